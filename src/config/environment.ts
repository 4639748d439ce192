import type { Fault } from '../core/errors.ts'
import { unknownVariableFault } from './key-faults.ts'
import { type ConfigKey, configKeys } from './keys.ts'
import { optionVariables, variablePrefix } from './names.ts'
import { asWritten, parseYaml } from './parse-yaml.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** One fault for each variable with our prefix that stands for nothing. */
export function unknownVariables(env: Environment): readonly Fault[] {
  const known = new Set<string>([...Object.values(optionVariables), ...configKeys.map((key) => key.variable)])
  return Object.keys(env)
    .filter((name) => name.startsWith(variablePrefix) && !known.has(name))
    .map(unknownVariableFault)
}

/**
 * The value that the text of a variable stands for: the text itself where the key takes texts, else what it is in YAML,
 * else a list of what stands between its commas. Which reading is meant follows from what the key accepts; when it
 * accepts none, the one that comes closest is returned, so that the error shows the right part.
 */
export function valueOfVariable(key: ConfigKey, text: string): unknown {
  // A variable of the image may have a comma in its value, and must not become two.
  const list = key.meta.asWritten === true ? [] : [text.split(',').map((item) => yamlValue(item.trim()))]
  const readings = [text, yamlValue(text, key.meta.asWritten), ...list]
  const accepted = readings.find((reading) => key.schema.safeParse(reading).success)
  if (accepted !== undefined) return accepted
  const depth = (reading: unknown) => key.schema.safeParse(reading).error?.issues[0]?.path.length ?? 0
  return readings.reduce((best, reading) => (depth(reading) > depth(best) ? reading : best))
}

/** The text's value in YAML, its numbers as they are written where that is meant, or the text itself when it is not YAML. */
function yamlValue(text: string, numbersAsWritten = false): unknown {
  const parsed = parseYaml(text, 'a variable')
  if ('faults' in parsed) return text
  return numbersAsWritten ? asWritten(parsed.value, '', parsed) : parsed.value
}
