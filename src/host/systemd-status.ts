import type { LiveConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Serial } from '../core/serial.ts'
import type { HostState } from '../ipc/host-state.ts'
import { defaultTiming } from '../ipc/sse.ts'
import type { StateStore } from '../ipc/store.ts'
import type { Notifier } from '../systemd/notify.ts'
import { type StartProgress, StartTimeout } from '../systemd/start-timeout.ts'
import { createWatchdog, type WatchedLoop } from '../systemd/watchdog.ts'
import { statusLine } from './status-line.ts'

/** How often at most systemd is told of a pull's progress, in milliseconds: each time runs a program. */
const pullProgressMilliseconds = 1000

/** Tells systemd how the appliance is: a line for `systemctl status` with every change, and READY when the controller is. */
export class SystemdStatus implements Component {
  readonly name = 'systemd status'
  readonly #state: StateStore<HostState>
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #notifier: Notifier
  #unsubscribe: (() => void) | undefined
  #told = { line: '', reason: '', at: Number.NEGATIVE_INFINITY }
  #ready = false
  readonly #turns = new Serial()

  constructor(options: { state: StateStore<HostState>; logger: Logger; clock: Clock; notifier: Notifier }) {
    this.#state = options.state
    this.#logger = options.logger
    this.#clock = options.clock
    this.#notifier = options.notifier
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#unsubscribe = this.#state.changed.on((state) => this.#tell(state))
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
  }

  #tell(state: HostState): void {
    const line = statusLine(state)
    const reason = `${state.phase}: ${state.reason.message}`
    const at = this.#clock.now()
    if (line === this.#told.line) return
    if (reason === this.#told.reason && at - this.#told.at < pullProgressMilliseconds) return
    this.#told = { line, reason, at }
    const becameReady = state.phase === 'ready' && !this.#ready
    this.#ready ||= becameReady
    this.#turns
      .run(async () => {
        // Whoever waited for `systemctl start` finds the controller behind its ports: the edge knows by then.
        if (becameReady) await this.#clock.sleep(2 * defaultTiming.coalesceMilliseconds)
        if (becameReady) await this.#notifier.ready()
        await this.#notifier.status(line)
      })
      .catch((error: unknown) => this.#logger.debug(`systemd was not notified: ${messageOf(error)}`))
  }
}

/** What a host has that is a service of systemd's. */
export interface HostService {
  /** How long systemd waits for a sign of life, in milliseconds; undefined when it does not. */
  readonly watchdogMilliseconds: number | undefined
}

/** What gives systemd the signs of life of a host that is its service: while it starts, and then from all its loops. */
export function signsOfLife(options: {
  live: () => LiveConfig
  clock: Clock
  notifier: Notifier
  logger: Logger
  service?: HostService
  state: StateStore<HostState>
  loops: readonly WatchedLoop[]
}): readonly Component[] {
  const { live, clock, notifier, service, logger, state, loops } = options
  if (service === undefined) return []
  const start = new StartTimeout({
    clock,
    notifier,
    progress: startProgressOf(state),
    patienceMilliseconds: () => live().health.startupSeconds * 1000,
  })
  const timeoutMilliseconds = service.watchdogMilliseconds
  if (timeoutMilliseconds === undefined) return [start]
  const consequence = 'systemd will restart omada-host, the controller runs on'
  return [start, createWatchdog({ loops, consequence, timeoutMilliseconds, notifier, logger, clock })]
}

const outcomes: Partial<Record<HostState['phase'], StartProgress['outcome']>> = {
  ready: 'ready',
  failed: 'failed',
  stopped: 'held',
}

/** How far the start is, as systemd's part sees it: who was ready once, has started. */
function startProgressOf(store: StateStore<HostState>): () => StartProgress {
  const steps = new StartSteps()
  let ready = false
  store.changed.on(({ phase }) => {
    ready ||= phase === 'ready'
  })
  return () => {
    const state = store.get()
    const { message, code, remedy } = state.reason
    return {
      outcome: ready ? 'ready' : (outcomes[state.phase] ?? 'under-way'),
      step: steps.count(state),
      fault: {
        code: code ?? 'CONTROLLER_START_TIMEOUT',
        message,
        remedy: remedy ?? 'see what it waits for: omada-host status',
      },
    }
  }
}

/**
 * Counts the steps of a start, each once: a phase or a step of the reconciler seen for the first time, a condition that
 * holds for the first time, more of an image than ever before. What goes in circles, such as a retry, counts once.
 */
export class StartSteps {
  readonly #seen = new Set<string>()
  #pulled = 0
  #count = 0

  /** The number of steps up to this state. */
  count(state: HostState): number {
    this.#take(`phase ${state.phase}`)
    for (const { name, status } of state.conditions) if (status === 'ok') this.#take(`condition ${name}`)
    for (const { subject, message } of state.history) if (subject === 'controller') this.#take(message)
    const pulled = state.controller.pull?.current ?? 0
    if (pulled > this.#pulled) {
      this.#pulled = pulled
      this.#count += 1
    }
    return this.#count
  }

  #take(step: string): void {
    if (this.#seen.has(step)) return
    this.#seen.add(step)
    this.#count += 1
  }
}
