import type { Clock } from '../../core/clock.ts'
import type { Fault, Reason } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'

/** What can go wrong once per datagram. */
export type WarningKind =
  | 'other-appliance'
  | 'flood'
  | 'sessions-crowded'
  | 'session-failed'
  | 'answer-failed'
  | 'controller-absent'

interface Occurrence {
  reason: Fault | Pick<Reason, 'message'>
  loggedAt: number
  lastAt: number
  suppressed: number
}

/** How often one kind is logged, and for how long it counts as current, in milliseconds. */
const window = 60_000

/**
 * Warnings whose cause can recur with every datagram: logged at most once a minute and kind, the next line telling how
 * many were suppressed. The counters carry the exact volumes.
 */
export class RateLimitedWarnings {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #occurrences = new Map<WarningKind, Occurrence>()

  constructor(options: { logger: Logger; clock: Clock }) {
    this.#logger = options.logger
    this.#clock = options.clock
  }

  warn(kind: WarningKind, reason: Occurrence['reason'], level: 'warn' | 'info' = 'warn'): void {
    const now = this.#clock.now()
    const known = this.#occurrences.get(kind)
    if (known !== undefined && now - known.loggedAt < window) {
      known.reason = reason
      known.lastAt = now
      known.suppressed++
      return
    }
    const suppressed = known?.suppressed ?? 0
    this.#occurrences.set(kind, { reason, loggedAt: now, lastAt: now, suppressed: 0 })
    this.#logger[level](suppressed === 0 ? reason.message : `${reason.message} (${suppressed} suppressed)`)
  }

  /** What happened within the last minute, of these kinds. */
  current(kinds: readonly WarningKind[]): readonly Fault[] {
    const since = this.#clock.now() - window
    return kinds.flatMap((kind) => {
      const occurrence = this.#occurrences.get(kind)
      if (occurrence === undefined || occurrence.lastAt <= since) return []
      return 'code' in occurrence.reason ? [occurrence.reason] : []
    })
  }
}
