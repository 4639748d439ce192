import { stringify } from 'yaml'
import { configKeys, configSections } from '../../../src/config/keys.ts'

/** The configuration that is installed: every key with its default, in comments. */
export function defaultConfig(): string {
  const sections = configSections.map((name) => {
    const keys = configKeys.filter((key) => key.section === name)
    const entries = keys.map(({ key, meta, accepts, ...rest }) => {
      const value =
        'default' in rest
          ? stringify(rest.default, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()
          : ''
      return `#  # ${meta.description}\n#  # accepted: ${accepts}\n#  ${`${key}: ${value}`.trimEnd()}\n`
    })
    return `#${name}:\n${entries.join('')}`
  })
  return `# Configuration of omada-host; see omada-host.yaml(5). Every key has a default, which is shown here: to change one, take
# the "#" away from it and from its section's name. Then: omada-host config check && systemctl reload omada-host

${sections.join('\n')}`
}
