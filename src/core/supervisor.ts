import type { Component } from './component.ts'
import type { Logger } from './logger.ts'

/**
 * Starts components in order, unwinds on failure, stops in reverse. A stop that throws does not keep the others from
 * stopping; all such errors are reported together as one AggregateError.
 */
export class Supervisor {
  readonly #logger: Logger
  readonly #components: readonly Component[]
  readonly #started: Component[] = []

  constructor(options: { logger: Logger; components: readonly Component[] }) {
    this.#logger = options.logger
    this.#components = options.components
  }

  /** Starts all, in order. On rejection everything that had been started has been stopped again. */
  async start(signal: AbortSignal, stopDeadline: () => AbortSignal): Promise<void> {
    for (const component of this.#components) {
      try {
        signal.throwIfAborted()
        this.#started.push(component)
        await component.start(signal)
        this.#logger.debug({ component: component.name }, 'started')
      } catch (error) {
        await this.stop(stopDeadline()).catch((stopError: unknown) => {
          this.#logger.error({ err: stopError }, 'unwinding after a failed start')
        })
        throw error
      }
    }
  }

  /** The first unexpected death among the started components. Never settles when nothing dies. */
  died(): Promise<Error> {
    return new Promise((resolve) => {
      for (const component of this.#started) {
        void component.died?.then((error) =>
          resolve(new Error(`${component.name}: ${error.message}`, { cause: error })),
        )
      }
    })
  }

  /** Stops what was started, last first. */
  async stop(deadline: AbortSignal): Promise<void> {
    const errors: Error[] = []
    for (let component = this.#started.pop(); component !== undefined; component = this.#started.pop()) {
      try {
        await component.stop(deadline)
        this.#logger.debug({ component: component.name }, 'stopped')
      } catch (error) {
        errors.push(new Error(`${component.name} did not stop cleanly`, { cause: error }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  }
}
