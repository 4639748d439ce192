import { distance } from 'fastest-levenshtein'
import type * as z from 'zod'
import type { Fault } from '../core/errors.ts'
import { plainText, withoutCredentials } from '../core/text.ts'
import { type ConfigKey, configKeys, configSections } from './keys.ts'

/** Where a value comes from. `line` counts from 1 and is the line of the key. */
export type Source =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly path: string; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }

/** A source for people: `default`, `/etc/omada-host/config.yaml:4`, `environment OMADA_HOST_LOG_LEVEL`. */
export function describeSource(source: Source): string {
  if (source.kind === 'default') return 'default'
  return source.kind === 'file' ? `${source.path}:${source.line}` : `environment ${source.variable}`
}

/**
 * One fault for each thing that is wrong with the value of `key`. `sourceOf` says where what is at a path inside of it
 * comes from; `error` has the input reported.
 */
export function valueFaults(key: ConfigKey, sourceOf: (path: string) => Source, error: z.ZodError): readonly Fault[] {
  return error.issues.flatMap(innermost).map((issue) => {
    const steps = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    const path = `${key.path}${steps.join('')}`
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    const source = sourceOf(unknown === undefined ? path : `${path}.${unknown}`)
    return {
      code: 'CONFIG_INVALID',
      message: `${path} (${describeSource(source)}) ${describeProblem(key, issue)}; accepted: ${key.accepts}`,
      remedy:
        source.kind === 'environment'
          ? `change or unset ${source.variable}`
          : `change ${key.path} in the configuration`,
    }
  })
}

/** The fault of a name that is no section, or no key of its section. */
export function unknownKeyFault(name: string, section: string | undefined, source: Source): Fault {
  const ofSection = configKeys.filter((key) => key.section === section).map(({ key }) => key)
  const known = section === undefined ? configSections : ofSection
  const prefix = section === undefined ? '' : `${section}.`
  const kind = section === undefined ? 'section' : 'key'
  const near = closest(name, known)
  // What is near nothing here may stand in the wrong section, or in none.
  const elsewhere = configKeys.find(({ key }) => closest(name, [key]) !== undefined)?.path
  const meant = near === undefined ? elsewhere : `${prefix}${near}`
  return {
    code: 'CONFIG_INVALID',
    message:
      `${quote(prefix + name)} (${describeSource(source)}) is not a ${kind}; accepted: ${known.join(', ')}` +
      `${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    remedy: meant === undefined ? 'take it out: omada-host config show lists every key' : `write ${meant} instead`,
  }
}

/** The fault of a variable with our prefix that stands for no key. */
export function unknownVariableFault(variable: string): Fault {
  const meant = closest(
    variable,
    configKeys.map((key) => key.variable),
  )
  return {
    code: 'CONFIG_INVALID',
    message: `the environment variable ${quote(variable)} stands for no configuration key${meant === undefined ? '' : `; did you mean ${meant}?`}`,
    remedy: meant === undefined ? `unset ${variable}` : `use ${meant}, or unset ${variable}`,
  }
}

/** The fault of a section that holds something else than keys: what kind of thing, and not what, which may be a secret. */
export function notASectionFault(section: string, value: unknown, source: Source): Fault {
  const kind = Array.isArray(value) ? 'a list' : typeof value === 'string' ? 'a text' : `a ${typeof value}`
  return {
    code: 'CONFIG_INVALID',
    message: `${section} (${describeSource(source)}) is ${kind} (not shown: it may be a secret); accepted: keys and values below it`,
    remedy: `indent the keys of ${section} below it: omada-host config show prints the form`,
  }
}

/** A value or a name as JSON, short, on one line and without the credentials of URIs. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return plainText(JSON.stringify(withoutCredentials(value)), 120)
  // JSON would write null for NaN and infinity, and hide what is wrong with them.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return plainText(withoutCredentials(text), 120)
}

/** Of an issue with alternatives, the issues of the alternative that came furthest; else the issue itself. */
function innermost(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const deep = issue.errors.find((alternative) => alternative.some((inner) => inner.path.length > 0))
  return deep?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue]
}

function describeProblem(key: ConfigKey, issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `has the unknown key ${issue.keys.map(quote).join(', ')}`
  const { input: value } = issue
  if (value === undefined) return 'is missing'
  if (value === null) return 'has no value'
  if (issue.code === 'invalid_key') return 'is not a name that is accepted'
  return key.meta.secret === true
    ? `is a ${typeof value} that is not accepted (not shown: secret)`
    : `is ${quote(value)}`
}

/** The word of `candidates` that `word` was probably meant to be; undefined when none is near. */
function closest(word: string, candidates: readonly string[]): string | undefined {
  const plain = comparable(word)
  // Two slips in a word of seven; a long text is no misspelt name.
  const limit = Math.min(3, Math.max(1, Math.floor(plain.length / 3)))
  if (plain.length > 64) return undefined
  return candidates
    .map((candidate) => ({ candidate, slips: distance(plain, comparable(candidate)) }))
    .filter(({ slips }) => slips <= limit)
    .sort((a, b) => a.slips - b.slips)[0]?.candidate
}

/** `stop_grace-seconds` and `stopGraceSeconds` are the same slip. */
function comparable(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '')
}
