import { isDeepStrictEqual } from 'node:util'
import type { Fault } from '../core/errors.ts'
import type { Need } from './schema.ts'

/** What the keys that are not live need when they change, by their paths. */
export type Needs = Readonly<Record<string, Need>>

/** Sections of the configuration, or some of them. */
type Sections = Readonly<Record<string, object>>

/** What came of a changed configuration in one process. Keys are told by their paths, `log.level`. */
export interface Applied<C> {
  readonly inForce: C
  /** In force from now on, and not before. What the other process reads once is among them. */
  readonly applied: readonly string[]
  /** Take effect only when this process has been restarted. */
  readonly pending: readonly { readonly key: string; readonly need: Need }[]
}

/** What each process reads once. */
const readOnce = { host: ['container', 'host'], edge: ['edge'] } as const
/** What stays in force as the process found it. What the edge reads once is in force for the next edge at once. */
const kept = { host: ['container', 'host'], edge: [] } as const

/**
 * Puts a changed configuration in force as far as that goes without a restart of `process`. Pure.
 * @param now `started`: what was in force when the process started
 */
export function apply<C extends Sections>(
  now: { readonly started: C; readonly inForce: C },
  next: C,
  rules: { readonly process: 'host' | 'edge'; readonly needs: Needs },
): Applied<C> {
  const { process, needs } = rules
  const among = (list: readonly Need[], need: Need | undefined) => need !== undefined && list.includes(need)
  const inForce: Record<string, Record<string, unknown>> = {}
  const applied: string[] = []
  const pending: { key: string; need: Need }[] = []
  for (const [section, wanted] of entries(next)) {
    const [started, current] = [now.started[section] ?? {}, now.inForce[section] ?? {}]
    const values: Record<string, unknown> = {}
    for (const key of new Set([started, current, wanted].flatMap((keys) => Object.keys(keys)))) {
      const path = `${section}.${key}`
      const need = needs[path]
      const value = at(among(kept[process], need) ? started : wanted, key)
      if (value !== undefined) values[key] = value
      if (need !== undefined && among(readOnce[process], need)) {
        if (!isDeepStrictEqual(at(started, key), at(wanted, key))) pending.push({ key: path, need })
      } else if (!isDeepStrictEqual(at(current, key), value)) applied.push(path)
    }
    inForce[section] = values
  }
  // Every value is one of a C, at its own place.
  return { inForce: inForce as C, applied, pending }
}

const entries: (sections: Sections) => [string, object][] = Object.entries
const at = (section: object, key: string): unknown => Reflect.get(section, key)

const restarts = {
  'omada-host':
    'systemctl restart omada-host (the controller runs on, or gets a new container, with its full grace, when the change needs one)',
  'omada-host-edge': "systemctl restart omada-host-edge (the devices' connections are cut and come back)",
  'omada-host run': 'end omada-host run and start it again (the controller is stopped, with its full grace)',
} as const

/** What is restarted for a key: one of the services, or the one process of the foreground. */
export type Restarted = keyof typeof restarts

/** What to tell of changed keys that take effect only after a restart. */
export function needsRestart(keys: readonly string[], what: Restarted): Fault {
  return {
    code: 'RESTART_PENDING',
    message: `the configuration was changed, but a restart is needed for ${keys.join(', ')}`,
    remedy: restarts[what],
  }
}
