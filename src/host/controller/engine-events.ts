import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineEvent } from '../engine/engine.ts'

/** What containers do that a reconciler need not look at. */
const dull = /^(?:exec_|health_status|top|attach|resize|sync)/

/**
 * The longest wait between two tries to follow the events. It grows up to here, as each try may start
 * Podman, and systemd refuses a sixth start within ten seconds (DefaultStartLimitBurst=, systemd-system.conf(5)).
 */
const longestWaitMilliseconds = 5000

/** After events that were followed for longer than this, the next wait is the shortest again. */
const lastingMilliseconds = 2000

/**
 * Calls `onEvent` whenever something happens to one of `names`, until the signal aborts; also when the engine's events get
 * out of reach, and when they are followed again, as nobody told what happened in between.
 */
export async function followEvents(options: {
  engine: Engine
  names: readonly string[]
  clock: Clock
  logger: Logger
  signal: AbortSignal
  onEvent: (event?: EngineEvent) => void
}): Promise<void> {
  const { engine, clock, logger, signal, onEvent } = options
  const backoff = new Backoff({ initialMilliseconds: 500, maxMilliseconds: longestWaitMilliseconds })
  while (!signal.aborted) {
    let followed = Number.POSITIVE_INFINITY
    try {
      const events = await engine.events(signal)
      followed = clock.now()
      onEvent()
      for await (const event of events) {
        if (options.names.includes(event.name) && !dull.test(event.action)) onEvent(event)
      }
    } catch (error) {
      if (signal.aborted) return
      logger.debug(`the engine's events are out of reach: ${messageOf(error)}`)
    }
    onEvent()
    if (clock.now() - followed > lastingMilliseconds) backoff.reset()
    await clock.sleep(backoff.next(), signal).catch(() => {})
  }
}
