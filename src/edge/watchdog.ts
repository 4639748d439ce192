import type { Environment } from '../config/environment.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { Emitter } from '../core/emitter.ts'
import type { Logger } from '../core/logger.ts'
import { periodic } from '../core/periodic.ts'
import { Pulse } from '../core/pulse.ts'
import { fetchState, type Versioned } from '../ipc/client.ts'
import { stateVersion } from '../ipc/host-state.ts'
import { StateServer } from '../ipc/server.ts'
import type { Notifier } from '../systemd/notify.ts'
import { createWatchdog, watchdogTimeout } from '../systemd/watchdog.ts'

/** Where an edge tells its signs of life, and when the next one comes at the latest. */
export type Alive = (withinMilliseconds: number) => void

/** Runs an edge under systemd's watchdog, where that has one for it. */
export async function underWatchdog(
  options: { env: Environment; signal: AbortSignal; notifier: Notifier; logger: Logger; clock: Clock },
  runEdge: (alive: Alive | undefined) => Promise<void>,
): Promise<void> {
  const { env, signal } = options
  const timeoutMilliseconds = watchdogTimeout(env, process.pid)
  if (timeoutMilliseconds === undefined) return await runEdge(undefined)
  const pulse = new Pulse(options)
  const watchdog = createWatchdog({
    ...options,
    loops: [{ name: 'the edge', dueBy: () => pulse.dueBy }],
    consequence: 'systemd will restart omada-host-edge, the controller runs on',
    timeoutMilliseconds,
  })
  await watchdog.start(signal)
  try {
    await runEdge((withinMilliseconds) => pulse.promise(withinMilliseconds))
  } finally {
    await watchdog.stop(AbortSignal.abort())
  }
}

/** How often the edge asks itself. */
const askMilliseconds = 10_000
/** How late its answer may be on a busy machine. */
const latenessMilliseconds = 20_000

/**
 * The edge asks itself by a socket, and each answer is a sign of life: the socket, HTTP and the event loop work. It is a
 * socket of its own, `path`, for which no other user has a right: on that of the edge's state, who may read the state
 * could take every place and have the watchdog end the edge. An edge that ends lets its connections finish for up to
 * `proxy.drainSeconds` and answers nobody meanwhile: systemd's timeout of the stop looks after that.
 */
export function selfCheck(options: SelfCheckOptions): readonly [answering: Component, asking: Component] {
  const answering = new StateServer({
    logger: options.logger,
    path: options.path,
    mode: 0o600,
    store: { get: () => ({ stateVersion }), changed: new Emitter<void>() },
  })
  return [answering, selfQuestions(options)]
}

/** The questions alone; whoever answers at `path` lives. */
export function selfQuestions(options: SelfCheckOptions): Component {
  const asking = periodic({
    ...options,
    name: 'self-check',
    intervalMilliseconds: askMilliseconds,
    work: async (signal) => {
      await fetchState<Versioned>(options.path, signal)
      options.alive(askMilliseconds + latenessMilliseconds)
    },
  })
  return {
    ...asking,
    stop: async () => {
      await asking.stop()
      options.alive(Number.POSITIVE_INFINITY)
    },
  }
}

interface SelfCheckOptions {
  readonly path: string
  readonly logger: Logger
  readonly clock: Clock
  readonly alive: Alive
}
