import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import type { Logger } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'
import { QuietLog } from '../core/quiet-log.ts'
import type { Notifier } from './notify.ts'

/** A loop whose progress keeps the service alive. */
export interface WatchedLoop {
  readonly name: string
  /** When its next sign of life is due, on the monotonic clock; infinite while it has nothing to do. */
  dueBy(): number
}

/**
 * How long systemd waits for a sign of life from this process, in milliseconds (sd_watchdog_enabled(3)); undefined when
 * it does not wait for one.
 */
export function watchdogTimeout(env: Readonly<Record<string, string | undefined>>, pid: number): number | undefined {
  if (env.WATCHDOG_PID !== undefined && Number(env.WATCHDOG_PID) !== pid) return undefined
  const microseconds = Number(env.WATCHDOG_USEC)
  return Number.isInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}

/**
 * Tells systemd that the service is alive for as long as each of its loops is: one that is late with its sign of life
 * ends the beats, and systemd then restarts the service.
 */
export function createWatchdog(options: {
  loops: readonly WatchedLoop[]
  /** What is restarted, and what is not; for the log. */
  consequence: string
  timeoutMilliseconds: number
  notifier: Notifier
  logger: Logger
  clock: Clock
}): Component {
  const { loops, notifier, logger, clock } = options
  const log = new QuietLog({ logger, clock })
  return periodic({
    name: 'watchdog',
    logger,
    clock,
    // Half of it is what sd_watchdog_enabled(3) recommends; a third leaves room for a slow machine.
    intervalMilliseconds: options.timeoutMilliseconds / 3,
    work: async () => {
      const stuck = loops.filter((loop) => loop.dueBy() < clock.now())
      if (stuck.length === 0) {
        log.over('stuck')
        await notifier.watchdog()
      } else {
        const names = stuck.map((loop) => loop.name).join(' and ')
        log.once('stuck', `${names}: no progress for too long; ${options.consequence}`, { level: 'error' })
      }
    },
  })
}
