import { once } from 'node:events'
import type { Component } from './component.ts'
import type { Logger } from './logger.ts'

/**
 * The life of a process: starts the components in order, calls `started`, waits for `signal` or for an unexpected death,
 * calls `stopping`, stops the components in reverse. What had been started is stopped again when one cannot start. A stop
 * that throws does not keep the others from stopping.
 * @throws what kept a component from starting, or the unexpected death and what went wrong while stopping: several errors
 * as one AggregateError
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
  const { logger, components, signal } = options
  const started: Component[] = []
  const stopAll = async () => {
    const deadline = AbortSignal.timeout(options.stopMilliseconds)
    const errors: Error[] = []
    for (const component of started.reverse()) {
      try {
        await component.stop(deadline)
        logger.debug({ component: component.name }, 'stopped')
      } catch (error) {
        errors.push(new Error(`${component.name} did not stop cleanly`, { cause: error }))
      }
    }
    return errors
  }
  try {
    for (const component of components) {
      signal.throwIfAborted()
      started.push(component)
      await component.start(signal)
      logger.debug({ component: component.name }, 'started')
    }
  } catch (error) {
    for (const err of await stopAll()) logger.error({ err }, 'unwinding after a failed start')
    if (signal.aborted) return
    throw error
  }
  options.started?.()
  const errors: unknown[] = []
  try {
    const end = signal.aborted ? undefined : once(signal, 'abort')
    await Promise.race([end, ...components.map(rejectOnDeath)])
  } catch (death) {
    errors.push(death)
  }
  await options.stopping?.().catch((error: unknown) => errors.push(error))
  errors.push(...(await stopAll()))
  if (errors.length === 1) throw errors[0]
  if (errors.length > 1) throw new AggregateError(errors)
}

/** Rejects when the component dies; never settles for one that does not. */
async function rejectOnDeath({ name, died = new Promise(() => {}) }: Component): Promise<never> {
  const error = await died
  throw new Error(`${name}: ${error.message}`, { cause: error })
}
