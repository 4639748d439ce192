import { once } from 'node:events'
import type { Component } from './component.ts'
import type { Logger } from './logger.ts'

/**
 * The life of a process: starts the components, calls `started`, waits for `signal` or for an unexpected death, calls
 * `stopping`, stops the components in reverse.
 * @throws what kept a component from starting, the unexpected death, or what went wrong while stopping
 */
export async function supervise(options: {
  logger: Logger
  components: readonly Component[]
  signal: AbortSignal
  /** How long the components may take to stop, in milliseconds. */
  stopMilliseconds: number
  started?: () => void
  /** Orderly farewell while everything still runs, such as stopping the controller. */
  stopping?: () => Promise<void>
}): Promise<void> {
  const { signal } = options
  const supervisor = new Supervisor({ logger: options.logger, components: options.components })
  const stopDeadline = () => AbortSignal.timeout(options.stopMilliseconds)
  try {
    await supervisor.start(signal, stopDeadline)
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  options.started?.()
  const errors: unknown[] = []
  const death = await Promise.race([signal.aborted ? undefined : aborted(signal), supervisor.died()])
  if (death !== undefined) errors.push(death)
  for (const farewell of [() => options.stopping?.(), () => supervisor.stop(stopDeadline())]) {
    try {
      await farewell()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors)
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  await once(signal, 'abort')
}

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
