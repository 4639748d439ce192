import { once } from 'node:events'
import type { Component } from './component.ts'
import type { Logger } from './logger.ts'
import { Supervisor } from './supervisor.ts'

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
