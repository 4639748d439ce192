import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine } from '../engine/engine.ts'

const uncertain = new Set(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT'])

/**
 * Stops a container with its full grace and resolves when it has ended. When the engine goes away meanwhile, looks again
 * and asks again with the full grace once more, rather than kill: a database that is cut off is a database that is
 * corrupt. A paused container is resumed first: Podman refuses to stop it, and a frozen database cannot end in order.
 * Goes on until the container has ended or the signal aborts, which leaves a stop that was asked for under way.
 */
export async function stopWithGrace(options: {
  engine: Engine
  clock: Clock
  logger: Logger
  id: string
  name: string
  graceSeconds: number
  signal: AbortSignal
  /** Called whenever it is not known how the stop went. */
  onRetry: () => void
}): Promise<void> {
  const { engine, clock, logger, signal } = options
  const backoff = new Backoff({ initialMilliseconds: 500, maxMilliseconds: 10_000 })
  for (;;) {
    try {
      const container = await engine.container(options.name, signal)
      if (container?.id === options.id && container.status === 'paused') await engine.unpause(options.id, signal)
      await engine.stop(options.id, options.graceSeconds, signal)
      return
    } catch (error) {
      signal.throwIfAborted()
      if (await hasEnded(options)) return
      if (!(error instanceof ApplianceError) || !uncertain.has(error.code)) throw error
      logger.warn({ code: error.code }, `${error.message}; looking again`)
    }
    options.onRetry()
    await clock.sleep(backoff.next(), signal)
  }
}

async function hasEnded(options: { engine: Engine; id: string; name: string; signal: AbortSignal }): Promise<boolean> {
  try {
    const container = await options.engine.container(options.name, options.signal)
    return container === undefined || container.id !== options.id || container.status === 'exited'
  } catch {
    options.signal.throwIfAborted()
    return false
  }
}
