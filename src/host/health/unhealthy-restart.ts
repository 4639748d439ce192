import type { Clock } from '../../core/clock.ts'
import type { Component, Loop } from '../../core/component.ts'
import type { Logger } from '../../core/logger.ts'
import { periodic } from '../../core/periodic.ts'

/** How often the length of an unhealthy spell is looked at, in milliseconds. */
const lookMilliseconds = 10_000

/**
 * Restarts a controller that has been unhealthy for as long as the user chose, with its full grace; never when the user
 * did not ask for it. One restart an unhealthy spell of that length: the next needs as much time again.
 */
export class UnhealthyRestart implements Component {
  readonly name = 'unhealthy-restart'
  readonly #minutes: () => number
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #unhealthySince: () => number | undefined
  readonly #restart: (signal: AbortSignal) => Promise<unknown>
  readonly #looking: Loop
  #lastRestart = Number.NEGATIVE_INFINITY

  /** `unhealthySince` is on the monotonic clock, undefined while healthy or not yet ready for the first time. */
  constructor(options: {
    /** 0: never. */
    minutes: () => number
    logger: Logger
    clock: Clock
    unhealthySince: () => number | undefined
    restart: (signal: AbortSignal) => Promise<unknown>
  }) {
    this.#minutes = options.minutes
    this.#logger = options.logger
    this.#clock = options.clock
    this.#unhealthySince = options.unhealthySince
    this.#restart = options.restart
    this.#looking = periodic({
      ...options,
      name: this.name,
      intervalMilliseconds: lookMilliseconds,
      work: (signal) => this.check(signal),
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#looking.start(signal)
  }

  async stop(): Promise<void> {
    await this.#looking.stop()
  }

  /** Looks once; resolves after the restart when one was due. */
  async check(signal: AbortSignal): Promise<void> {
    const since = this.#unhealthySince()
    const minutes = this.#minutes()
    if (minutes === 0 || since === undefined) return
    const now = this.#clock.now()
    if (now - Math.max(since, this.#lastRestart) < minutes * 60_000) return
    this.#lastRestart = now
    this.#logger.warn({ minutes }, 'the controller is restarted because health.restartWhenUnhealthyMinutes is over')
    await this.#restart(signal)
  }
}
