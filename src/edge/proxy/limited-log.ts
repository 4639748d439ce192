import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'

/** One warning of a kind in this many milliseconds. */
const quiet = 10_000

/** Warnings about what clients cause: at most one of a kind in ten seconds, the next one telling how many were left out. */
export class LimitedLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #kinds = new Map<string, { loggedAt: number; suppressed: number }>()

  constructor(options: { logger: Logger; clock: Clock }) {
    this.#logger = options.logger
    this.#clock = options.clock
  }

  /** @param kind one of a fixed set of our own; never made from what a client sent */
  warn(kind: string, fields: object, message: string): void {
    const now = this.#clock.now()
    const last = this.#kinds.get(kind)
    if (last !== undefined && now - last.loggedAt < quiet) {
      last.suppressed += 1
      return
    }
    const suffix = last === undefined || last.suppressed === 0 ? '' : ` (${last.suppressed} suppressed)`
    this.#kinds.set(kind, { loggedAt: now, suppressed: 0 })
    this.#logger.warn(fields, `${message}${suffix}`)
  }
}
