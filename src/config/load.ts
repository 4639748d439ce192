import { ApplianceErrors, type Fault } from '../core/errors.ts'
import { crossChecks, warningsOf } from './cross-checks.ts'
import { type Environment, unknownVariables, valueOfVariable } from './environment.ts'
import { foreignFault } from './foreign.ts'
import { type KeptDefaults, newestDefaults } from './kept-defaults.ts'
import { notASectionFault, type Source, unknownKeyFault, valueFaults } from './key-faults.ts'
import { type ConfigKey, configKeys, configSections } from './keys.ts'
import { asWritten, type ParsedYaml, parseYaml } from './parse-yaml.ts'
import { type Config, configSchema } from './schema.ts'

/** The effective configuration and where it comes from. */
export interface LoadedConfig {
  readonly config: Config
  /** By the key's path, `controller.image`; every key is there. */
  readonly sources: ReadonlyMap<string, Source>
  /** What was accepted but is worth a word. */
  readonly warnings: readonly Fault[]
  /** What stands in it for what is left open. */
  readonly defaults: KeptDefaults
}

interface Found {
  /** By section and key, all of which the schema knows. */
  readonly values: Record<string, Record<string, unknown>>
  readonly sources: Map<string, Source>
  /** Paths of the keys whose value is not accepted. */
  readonly invalid: Set<string>
  readonly faults: Fault[]
}

/**
 * The configuration from a file's text (undefined: no file, all defaults) and the environment, which overrides it. Pure.
 * @param options.defaults what stands for keys that are left open, the schema's own unless given
 * @throws ApplianceErrors with every fault there is: CONFIG_SYNTAX or CONFIG_INVALID
 */
export function loadConfig(options: {
  path: string
  text?: string | undefined
  env: Environment
  defaults?: KeptDefaults
}): LoadedConfig {
  const { defaults = newestDefaults } = options
  const parsed = parseYaml(options.text ?? '', options.path)
  const sources = new Map(configKeys.map((key): [string, Source] => [key.path, { kind: 'default' }]))
  const found: Found = { values: {}, sources, invalid: new Set(), faults: [] }
  if ('faults' in parsed) found.faults.push(...parsed.faults)
  else readFile(parsed, options.path, found)
  if (found.faults.length > 0 && options.text !== undefined) {
    const value = 'value' in parsed ? parsed.value : undefined
    const foreign = foreignFault({ text: options.text, value, path: options.path })
    if (foreign !== undefined) throw new ApplianceErrors([foreign])
  }
  readEnvironment(options.env, found)

  const config = configSchema.parse(withDefaults(found.values, defaults))
  for (const { keys, run } of crossChecks) {
    // A check that needs a key which is wrong already would only report the default's faults.
    if (!keys.some((path) => found.invalid.has(path))) found.faults.push(...run(config))
  }
  if (found.faults.length > 0) throw new ApplianceErrors(found.faults.slice(0, maxFaults))
  return { config, sources, warnings: warningsOf(config), defaults }
}

/** The values with what was kept for keys that are left open. A network is chosen as a whole, or not at all. */
function withDefaults(values: Found['values'], defaults: KeptDefaults): Found['values'] {
  const { image, subnet, controllerAddress } = defaults
  const { controller, network } = values
  const open = network?.subnet === undefined && network?.controllerAddress === undefined
  return {
    ...values,
    controller: { image, ...controller },
    ...(open ? { network: { ...network, subnet, controllerAddress } } : {}),
  }
}

/** Where reading ends: nobody reads more, and a file with that many faults is not a configuration. */
const maxFaults = 100

function readFile(file: ParsedYaml, path: string, found: Found): void {
  const sourceOf = (key: string): Source => ({ kind: 'file', path, line: file.lines.get(key) ?? 1 })
  // A section without keys, all of them commented out, is an empty one.
  const root = file.value ?? {}
  if (!isMapping(root)) {
    found.faults.push(notASectionFault('the configuration', root, sourceOf('')))
    return
  }
  for (const [section, content] of Object.entries(root)) {
    if (found.faults.length >= maxFaults) return
    if (!configSections.includes(section)) {
      found.faults.push(unknownKeyFault(section, undefined, sourceOf(section)))
    } else if (!isMapping(content ?? {})) {
      found.faults.push(notASectionFault(section, content, sourceOf(section)))
    } else {
      readSection(section, content ?? {}, { file, path }, found)
    }
  }
}

function readSection(
  section: string,
  content: object,
  { file, path }: { file: ParsedYaml; path: string },
  found: Found,
): void {
  // The innermost one that has a line: a key that is missing has none.
  const sourceOf = (...keys: readonly string[]): Source => {
    const line = keys.map((key) => file.lines.get(key)).find((known) => known !== undefined)
    return { kind: 'file', path, line: line ?? 1 }
  }
  for (const [name, value] of Object.entries(content)) {
    if (found.faults.length >= maxFaults) return
    const key = configKeys.find((known) => known.section === section && known.key === name)
    const at = `${section}.${name}`
    if (key === undefined) found.faults.push(unknownKeyFault(name, section, sourceOf(at)))
    else
      readValue(
        key,
        key.meta.asWritten === true ? asWritten(value, at, file) : value,
        (inner) => sourceOf(inner, at),
        found,
      )
  }
}

function readEnvironment(env: Environment, found: Found): void {
  found.faults.push(...unknownVariables(env))
  for (const key of configKeys) {
    const text = env[key.variable]
    if (text === undefined) continue
    readValue(key, valueOfVariable(key, text), () => ({ kind: 'environment', variable: key.variable }), found)
  }
}

function readValue(key: ConfigKey, value: unknown, sourceOf: (path: string) => Source, found: Found): void {
  const { error } = key.schema.safeParse(value, { reportInput: true })
  if (error !== undefined) {
    found.faults.push(...valueFaults(key, sourceOf, error))
    found.invalid.add(key.path)
    return
  }
  found.values[key.section] = { ...found.values[key.section], [key.key]: value }
  found.sources.set(key.path, sourceOf(key.path))
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
