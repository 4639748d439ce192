import type { Clock } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import type { Logger } from '../../core/logger.ts'
import { periodic } from '../../core/periodic.ts'

/** How often the length of an unhealthy spell is looked at, in milliseconds. */
const lookMilliseconds = 10_000

/**
 * Restarts a controller that has been unhealthy for as long as the user chose, with its full grace; never when the user
 * did not ask for it. One restart an unhealthy spell of that length: the next needs as much time again. `check` looks
 * once and resolves after the restart when one was due.
 */
export function unhealthyRestart(options: {
  /** 0: never. */
  minutes: () => number
  logger: Logger
  clock: Clock
  /** On the monotonic clock, undefined while healthy or not yet ready for the first time. */
  unhealthySince: () => number | undefined
  restart: (signal: AbortSignal) => Promise<unknown>
}): Loop & { check(signal: AbortSignal): Promise<void> } {
  const { logger, clock, restart } = options
  let lastRestart = Number.NEGATIVE_INFINITY
  const check = async (signal: AbortSignal) => {
    const since = options.unhealthySince()
    const minutes = options.minutes()
    if (minutes === 0 || since === undefined) return
    const now = clock.now()
    if (now - Math.max(since, lastRestart) < minutes * 60_000) return
    lastRestart = now
    logger.warn({ minutes }, 'the controller is restarted because health.restartWhenUnhealthyMinutes is over')
    await restart(signal)
  }
  const name = 'unhealthy-restart'
  return { ...periodic({ name, logger, clock, intervalMilliseconds: lookMilliseconds, work: check }), check }
}
