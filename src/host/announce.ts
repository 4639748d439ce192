import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { HostState } from '../ipc/host-state.ts'
import { defaultTiming } from '../ipc/sse.ts'
import type { StateStore } from '../ipc/store.ts'
import type { Notifier } from '../systemd/notify.ts'
import type { StartProgress } from '../systemd/start-watch.ts'
import { StartSteps } from './start-steps.ts'
import { statusLine } from './status-line.ts'

/** How often at most systemd is told of a pull's progress, in milliseconds: each time runs a program. */
const tellPullEvery = 1000

/** Tells people and systemd of every change of phase and of a pull's progress; READY only when the controller is. */
export function announce(options: {
  store: StateStore<HostState>
  logger: Logger
  clock: Clock
  notifier: Notifier
}): void {
  const { store, logger, clock, notifier } = options
  let logged = ''
  let told = ''
  let toldAt = Number.NEGATIVE_INFINITY
  let ready = false
  let telling: Promise<void> = Promise.resolve()
  store.changed.on((state) => {
    const changed = log(state)
    const line = statusLine(state)
    if (line === told || (!changed && clock.now() - toldAt < tellPullEvery)) return
    told = line
    toldAt = clock.now()
    const becameReady = state.phase === 'ready' && !ready
    if (becameReady) ready = true
    telling = telling
      .then(() => (becameReady ? notifyReady() : undefined))
      .then(() => notifier.status(line))
      .catch((error: unknown) => logger.debug(`systemd was not notified: ${messageOf(error)}`))
  })

  /** Whoever waited for `systemctl start` finds the controller behind its ports: the edge knows by then. */
  async function notifyReady(): Promise<void> {
    await clock.sleep(2 * defaultTiming.coalesceMilliseconds)
    await notifier.ready()
  }

  /** Whether there was anything new to log. */
  function log({ phase, reason }: HostState): boolean {
    const line = `${phase}: ${reason.message}`
    if (line === logged) return false
    logged = line
    const { code, remedy } = reason
    const level = phase === 'failed' || phase === 'degraded' ? 'error' : 'info'
    logger[level]({ ...(code === undefined ? {} : { code, remedy }) }, line)
    return true
  }
}

/** How far the start is, as systemd's part sees it. */
export function startProgressOf(store: StateStore<HostState>): () => StartProgress {
  const steps = new StartSteps()
  const outcomes: Partial<Record<HostState['phase'], StartProgress['outcome']>> = {
    ready: 'ready',
    failed: 'failed',
    stopped: 'held',
  }
  let ready = false
  store.changed.on((state) => {
    if (state.phase === 'ready') ready = true
  })
  return () => {
    const state = store.get()
    const {
      message,
      code = 'CONTROLLER_START_TIMEOUT',
      remedy = 'see what it waits for: omada-host status',
    } = state.reason
    return {
      outcome: ready ? 'ready' : (outcomes[state.phase] ?? 'under-way'),
      step: steps.count(state),
      fault: { code, message, remedy },
    }
  }
}
