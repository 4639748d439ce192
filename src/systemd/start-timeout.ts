import type { Clock } from '../core/clock.ts'
import { type Loop, loopOf } from '../core/component.ts'
import { ApplianceError, type Fault } from '../core/errors.ts'
import type { Notifier } from './notify.ts'

/** How far a service is on its way to ready. */
export interface StartProgress {
  /** `held`: by the user's own wish it is not to become ready for now, and that may last. */
  readonly outcome: 'under-way' | 'held' | 'ready' | 'failed'
  /** Differs after each step forward; what goes in circles is no step forward. */
  readonly step: number
  /** Why it is not ready. */
  readonly fault: Fault
}

/** How often progress is looked at. */
const lookEveryMilliseconds = 1000
/** How often systemd is asked for more time, and for how much. */
const askEveryMilliseconds = 10_000
const moreMilliseconds = 60_000

/**
 * Asks systemd for more time (EXTEND_TIMEOUT_USEC, sd_notify(3)) while a start makes progress, and gives it up when it
 * failed or when there was no step forward for as long as the user allows. Does nothing any more once the service was
 * ready.
 */
export function startTimeout(options: {
  clock: Clock
  notifier: Notifier
  progress: () => StartProgress
  /** How long a start may take without a step forward. */
  patienceMilliseconds: () => number
}): Loop & { readonly died: Promise<Error> } {
  const { clock, notifier } = options
  const death = Promise.withResolvers<Error>()
  const watch = async (signal: AbortSignal) => {
    let step = Number.NaN
    let steppedAt = clock.now()
    let askedAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      const progress = options.progress()
      if (progress.outcome === 'ready') return
      const now = clock.now()
      if (progress.step !== step || progress.outcome === 'held') {
        step = progress.step
        steppedAt = now
      }
      if (progress.outcome === 'failed' || now - steppedAt >= options.patienceMilliseconds()) {
        const { message, remedy } = progress.fault
        await notifier.status(`Failed: ${message}; fix: ${remedy}`)
        death.resolve(new ApplianceError(progress.fault))
        return
      }
      if (now - askedAt >= askEveryMilliseconds) {
        askedAt = now
        await notifier.extendTimeout(moreMilliseconds)
      }
      await clock.sleep(lookEveryMilliseconds, signal).catch(() => {})
    }
  }
  return { ...loopOf('start', watch), died: death.promise }
}
