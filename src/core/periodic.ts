import type { Clock } from './clock.ts'
import type { Component } from './component.ts'
import { isAbort } from './errors.ts'
import type { Logger } from './logger.ts'

/**
 * Runs `work` at once and then again `intervalMilliseconds` after each run ended, on the monotonic clock. A run that
 * throws is logged and does not end the rhythm.
 */
export class Periodic implements Component {
  readonly name: string
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #intervalMilliseconds: number
  readonly #work: (signal: AbortSignal) => Promise<void> | void
  readonly #stopping = new AbortController()
  #loop: Promise<void> | undefined

  constructor(options: {
    name: string
    logger: Logger
    clock: Clock
    intervalMilliseconds: number
    work: (signal: AbortSignal) => Promise<void> | void
  }) {
    this.name = options.name
    this.#logger = options.logger
    this.#clock = options.clock
    this.#intervalMilliseconds = options.intervalMilliseconds
    this.#work = options.work
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await this.#work(signal)
        await this.#clock.sleep(this.#intervalMilliseconds, signal)
      } catch (error) {
        if (signal.aborted) return
        if (!isAbort(error)) this.#logger.warn({ err: error }, `${this.name} failed; it will be tried again`)
        await this.#clock.sleep(this.#intervalMilliseconds, signal).catch(() => {})
      }
    }
  }
}
