import { stringify } from 'yaml'
import { describeSource, type Source } from './key-faults.ts'
import { configKeys, configSections } from './keys.ts'
import type { LoadedConfig } from './load.ts'

/** One key's effective value, fit to be shown. */
export interface ShownKey {
  readonly path: string
  /** Secrets redacted; absent for a key without a value. */
  readonly value?: unknown
  readonly source: Source
}

/** Stands where a secret was. */
export const redacted = '(redacted)'

/** Every key with its effective value and where that comes from. */
export function shownKeys(loaded: LoadedConfig): readonly ShownKey[] {
  return configKeys.map(({ section, key, path, meta }) => {
    const value: unknown = Reflect.get(Reflect.get(loaded.config, section) as object, key)
    const source = loaded.sources.get(path) ?? { kind: 'default' }
    if (value === undefined) return { path, source }
    return { path, value: meta.secret === true ? redact(value) : value, source }
  })
}

/** The effective configuration in the form of the file, each key's source in a comment. */
export function formatConfig(loaded: LoadedConfig): string {
  const shown = shownKeys(loaded)
  return configSections
    .map((section) => {
      const keys = shown.filter(({ path }) => path.startsWith(`${section}.`))
      return `${section}:\n${keys.map(formatKey).join('')}`
    })
    .join('\n')
}

function formatKey({ path, value, source }: ShownKey): string {
  const name = path.slice(path.indexOf('.') + 1)
  if (value === undefined) return `  # ${name}: not set\n`
  const text = stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd()
  return `  ${name}: ${text} # ${describeSource(source)}\n`
}

/** The value without what must stay secret: names and servers stay, to recognise it by. */
function redact(value: unknown): unknown {
  if (typeof value === 'string') return redactUri(value)
  if (typeof value !== 'object' || value === null) return redacted
  return Object.fromEntries(Object.keys(value).map((name) => [name, redacted]))
}

/** A connection string without its user, its password and its options, which may carry more passwords. */
function redactUri(uri: string): string {
  const parts = /^(?<scheme>[a-z+]+:\/\/)(?<user>.*@)?(?<place>[^@?]*)(?<options>\?.*)?$/s.exec(uri)?.groups
  if (parts === undefined) return redacted
  const user = parts.user === undefined ? '' : `${redacted}@`
  return `${parts.scheme}${user}${parts.place}${parts.options === undefined ? '' : `?${redacted}`}`
}
