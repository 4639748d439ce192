import { stringify } from 'yaml'
import { type ConfigKey, configKeys, configSections } from '../../../src/config/keys.ts'
import { defaultConfigFile } from '../../../src/config/names.ts'
import { bold, roff, tagged, titleLine } from './roff.ts'

/** What a change of a key takes, beyond `systemctl reload omada-host`. */
const effects = {
  container: 'A change makes a new container; the volumes stay.',
  host: 'A change needs: systemctl restart omada-host',
  edge: 'A change needs: systemctl restart omada-host-edge',
} as const

/** The man page omada-host.yaml(5), from the schema of the configuration. `date` is in seconds since 1970. */
export function configPage(options: { version: string; date: number }): string {
  return [
    titleLine({ name: 'omada-host.yaml', section: 5, ...options }),
    '.SH NAME\n',
    'omada\\-host.yaml \\- configuration of omada\\-host\n',
    '.SH SYNOPSIS\n',
    `.I ${roff(defaultConfigFile)}\n`,
    '.SH DESCRIPTION\n',
    'One YAML file of sections with keys.\nEvery key has a default, so that an empty file, or none, is a valid one.\n',
    'Unknown keys and malformed values are errors; all of them are told at once.\n',
    '.PP\n',
    'A variable in the environment overrides the key that names it below.\n',
    '.PP\n',
    'After a change,\n',
    '.B omada\\-host config check\n',
    'tells what is wrong with the file,\n',
    '.B systemctl reload omada\\-host\n',
    'applies what needs no restart, and says what does.\n',
    ...configSections.map(section),
    '.SH EXAMPLES\n',
    '.EX\n',
    'controller:\n  timezone: Europe/Berlin\n  stopGraceSeconds: 180\naccess:\n',
    '  devices: [vlan10, vlan20]\n  management: [vlan30, 192.168.50.0/24]\n',
    '.EE\n',
    '.SH FILES\n',
    tagged(`.I ${roff(defaultConfigFile)}`, 'where the file is; omada-host --config FILE takes another'),
    '.SH SEE ALSO\n',
    '.BR omada\\-host (8)\n',
  ].join('')
}

function section(name: string): string {
  const keys = configKeys.filter((key) => key.section === name)
  return `.SH ${name.toUpperCase()}\nKeys of the section ${bold(name)}:\n${keys.map(entry).join('')}`
}

function entry(key: ConfigKey): string {
  const { description } = key.meta
  const effect = key.meta.needs === undefined ? [] : [effects[key.meta.needs]]
  const fallback =
    'default' in key
      ? stringify(key.default, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()
      : 'none'
  return tagged(
    bold(key.path),
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    `Accepted: ${key.accepts}.`,
    `Default: ${fallback}`,
    `Variable: ${key.variable}`,
    ...effect,
  )
}
