import type { Clock } from './clock.ts'
import { type Loop, loopOf } from './component.ts'
import { isAbort } from './errors.ts'
import type { Logger } from './logger.ts'

/**
 * Runs `work` at once and then again `intervalMilliseconds` after each run ended, on the monotonic clock. A run that
 * throws is logged and does not end the rhythm.
 */
export function periodic(options: {
  name: string
  logger: Logger
  clock: Clock
  intervalMilliseconds: number
  work: (signal: AbortSignal) => Promise<void> | void
}): Loop {
  const { name, logger, clock, intervalMilliseconds, work } = options
  return loopOf(name, async (signal) => {
    while (!signal.aborted) {
      try {
        await work(signal)
      } catch (error) {
        if (!signal.aborted && !isAbort(error)) logger.warn({ err: error }, `${name} failed; it will be tried again`)
      }
      await clock.sleep(intervalMilliseconds, signal).catch(() => {})
    }
  })
}
