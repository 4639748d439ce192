import type { Condition, Reason } from '../ipc/host-state.ts'

/**
 * Health as the probes tell it, with the disk named as the cause of a database that does not work while its disk is
 * full: a probe only sees that nobody answers. `full` is undefined while there is room.
 */
export function blameDisk<H extends { readonly reason: Reason; readonly conditions: readonly Condition[] }>(
  health: H,
  full: Reason | undefined,
): H {
  if (full === undefined) return health
  const blamed = (reason: Reason): Reason =>
    reason.code === 'DATABASE_DOWN' ? { ...full, message: `${reason.message}: ${full.message}` } : reason
  return {
    ...health,
    reason: blamed(health.reason),
    conditions: health.conditions.map((condition) => ({ ...condition, reason: blamed(condition.reason) })),
  }
}
