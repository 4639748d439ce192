import { isDeepStrictEqual } from 'node:util'
import type { Config } from './schema.ts'

/**
 * The keys that a running process takes over from a changed configuration; a change of any other needs a restart. The
 * same as the keys without `needs` in the schema, which the edge does not load: it would be a quarter of its memory.
 */
export const adoptableKeys: ReadonlySet<string> = new Set([
  'controller.pull',
  'controller.stopGraceSeconds',
  'discovery.strict',
  'discovery.rewriteAddresses',
  'access.devices',
  'access.management',
  'access.guests',
  'health.intervalSeconds',
  'health.startupSeconds',
  'health.failureThreshold',
  'health.restartWhenUnhealthyMinutes',
  'images.checkSchedule',
  'log.level',
])

/** Paths of the keys that differ. */
export interface Adopted {
  readonly applied: readonly string[]
  /** Left as they were: they need a restart. */
  readonly pending: readonly string[]
}

type Section = keyof Config

/**
 * Takes over what may change at run time from `next` into `running`, in place: it is the object that every component
 * holds, and each reads these keys anew whenever it needs them. Only `sections` are looked at.
 */
export function adoptConfig(running: Config, next: Config, sections: readonly Section[]): Adopted {
  const applied: string[] = []
  const pending: string[] = []
  for (const section of sections) {
    const values: Record<string, unknown> = running[section]
    const wanted: Readonly<Record<string, unknown>> = next[section]
    for (const key of new Set([...Object.keys(values), ...Object.keys(wanted)])) {
      if (isDeepStrictEqual(values[key], wanted[key])) continue
      const path = `${section}.${key}`
      if (adoptableKeys.has(path)) values[key] = wanted[key]
      ;(adoptableKeys.has(path) ? applied : pending).push(path)
    }
  }
  return { applied, pending }
}
