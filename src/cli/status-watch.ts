import { Alarm } from '../core/alarm.ts'
import { systemClock } from '../core/clock.ts'
import { createLogger } from '../core/logger.ts'
import type { MergeOptions } from '../edge/status/merge.ts'
import { StateSubscription } from '../ipc/client.ts'
import type { EdgeState } from '../ipc/edge-state.ts'
import type { HostState } from '../ipc/host-state.ts'
import type { Paths } from '../ipc/paths.ts'

/** What the appliance's two processes say of it; a half that does not answer is absent. */
export interface Halves extends MergeOptions {
  readonly host: HostState | undefined
  readonly edge: EdgeState | undefined
}

/** Shortest time between two prints: people cannot read faster. */
const pauseMilliseconds = 500

/** The two halves whenever one of them has changed, until `signal` aborts. */
export async function* watchStatus(paths: Paths, signal: AbortSignal): AsyncGenerator<Halves> {
  // What a lost connection means is part of the status that is printed.
  const logger = createLogger({ level: 'silent', format: 'human', write: () => {} })
  const follow = { logger, clock: systemClock }
  const host = new StateSubscription<HostState>({ ...follow, path: paths.hostStateSocket })
  const edge = new StateSubscription<EdgeState>({ ...follow, path: paths.edgeStateSocket })
  const change = new Alarm({ clock: systemClock })
  let lostAt: string | undefined
  host.changed.on((state) => {
    lostAt = state === undefined ? (lostAt ?? new Date().toISOString()) : undefined
    change.ring()
  })
  edge.changed.on(() => change.ring())

  await host.start(signal)
  await edge.start(signal)
  try {
    while (!signal.aborted) {
      await change.sleep(Number.POSITIVE_INFINITY, signal)
      await systemClock.sleep(pauseMilliseconds, signal)
      change.clear()
      const last = host.last()
      const lost = last === undefined || lostAt === undefined ? {} : { lost: { host: last, at: lostAt } }
      yield { host: host.current(), edge: edge.current(), ...lost }
    }
  } finally {
    await host.stop()
    await edge.stop()
  }
}
