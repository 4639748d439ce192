import * as z from 'zod'
import type { Needs } from './apply.ts'
import { variablePrefix } from './names.ts'
import { configSchema, type KeyMeta } from './schema.ts'

/** One key of the configuration, as everything that lists keys sees it. */
export interface ConfigKey {
  readonly section: string
  readonly key: string
  /** `section.key`. */
  readonly path: string
  /** The environment variable that overrides it: `OMADA_HOST_CONTROLLER_STOP_GRACE_SECONDS`. */
  readonly variable: string
  readonly schema: z.ZodType
  readonly meta: KeyMeta
  /** What is accepted, in words. */
  readonly accepts: string
  /** Absent for a key that has none. */
  readonly default?: unknown
}

/** `a, b or c`: American English would put a comma before the `or`. */
const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' })

/** Every key of the schema, in its order. */
export const configKeys: readonly ConfigKey[] = Object.entries(configSchema.shape).flatMap(([section, { def }]) =>
  Object.entries<z.ZodType>(def.innerType.shape).map(([key, schema]) => describeKey(section, key, schema)),
)

/** What the keys that are not live need when they change. */
export const keyNeeds: Needs = Object.fromEntries(
  configKeys.flatMap(({ path, meta: { needs } }) => (needs === undefined ? [] : [[path, needs]])),
)

/** The names of the sections. */
export const configSections: readonly string[] = Object.keys(configSchema.shape)

function describeKey(section: string, key: string, schema: z.ZodType): ConfigKey {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const { description = '' } = json
  const snake = `${section}_${key}`.replace(/[A-Z]/g, (letter) => `_${letter}`)
  return {
    section,
    key,
    path: `${section}.${key}`,
    variable: `${variablePrefix}${snake.toUpperCase()}`,
    schema,
    meta: { ...schema.meta(), description },
    accepts: describeAccepted(json),
    ...(json.default === undefined ? {} : { default: json.default }),
  }
}

/** What a JSON schema accepts, in words, for people. */
function describeAccepted(json: z.core.JSONSchema.BaseSchema): string {
  if (typeof json.accepts === 'string') return json.accepts
  if (json.enum !== undefined) return alternatives.format(json.enum.map(String))
  if (json.type === 'boolean') return 'true or false'
  if (json.type === 'array' && typeof json.items === 'object' && !Array.isArray(json.items)) {
    const { minItems = 0, maxItems } = json
    const length = maxItems === undefined ? `at least ${minItems}` : `${minItems} to ${maxItems}`
    return `a list of ${length}, each ${describeAccepted(json.items)}`
  }
  if (json.type === 'integer' || json.type === 'number') {
    const kind = json.type === 'integer' ? 'a whole number' : 'a number'
    return `${kind} from ${json.minimum} to ${json.maximum}`
  }
  return 'a text'
}
