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
import { type StartProgress, startTimeout } from '../systemd/start-timeout.ts'
import { createWatchdog, type WatchedLoop } from '../systemd/watchdog.ts'
import { statusLine } from './status-line.ts'

/** How often at most systemd is told of a pull's progress, in milliseconds: each time runs a program. */
const pullProgressMilliseconds = 1000

/** Tells systemd how the appliance is: a line for `systemctl status` with every change, and READY when the controller is. */
export function systemdStatus(options: {
  state: StateStore<HostState>
  logger: Logger
  clock: Clock
  notifier: Notifier
}): Component {
  const { state, logger, clock, notifier } = options
  const turns = new Serial()
  let told = { line: '', reason: '', at: Number.NEGATIVE_INFINITY }
  let ready = false
  let unsubscribe: (() => void) | undefined

  const tell = (now: HostState) => {
    const line = statusLine(now)
    const reason = `${now.phase}: ${now.reason.message}`
    const at = clock.now()
    if (line === told.line) return
    if (reason === told.reason && at - told.at < pullProgressMilliseconds) return
    told = { line, reason, at }
    const becameReady = now.phase === 'ready' && !ready
    ready ||= becameReady
    const notify = async () => {
      // Whoever waited for `systemctl start` finds the controller behind its ports: the edge knows by then.
      if (becameReady) await clock.sleep(2 * defaultTiming.coalesceMilliseconds)
      // And in `systemctl status`, right after it, what is so now.
      await notifier.status(line)
      if (becameReady) await notifier.ready()
    }
    turns.run(notify).catch((error: unknown) => logger.debug(`systemd was not notified: ${messageOf(error)}`))
  }
  return {
    name: 'systemd status',
    start: async (signal) => {
      signal.throwIfAborted()
      unsubscribe = state.changed.on(tell)
    },
    stop: async () => unsubscribe?.(),
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
  const start = startTimeout({
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
  const stepsUpTo = stepCounter()
  let ready = false
  store.changed.on(({ phase }) => {
    ready ||= phase === 'ready'
  })
  return () => {
    const state = store.get()
    const { message, code, remedy } = state.reason
    return {
      outcome: ready ? 'ready' : (outcomes[state.phase] ?? 'under-way'),
      step: stepsUpTo(state),
      fault: {
        code: code ?? 'CONTROLLER_START_TIMEOUT',
        message,
        remedy: remedy ?? 'see what it waits for: omada-host status',
      },
    }
  }
}

/**
 * Counts the steps of a start up to a state, each once: a phase or a step of the reconciler seen for the first time, a
 * condition that holds for the first time, more of an image than ever before. What goes in circles, such as a retry, counts
 * once.
 */
export function stepCounter(): (state: HostState) => number {
  const seen = new Set<string>()
  let growths = 0
  let mostPulled = 0
  return ({ phase, conditions, history, controller }) => {
    seen.add(`phase ${phase}`)
    for (const { name, status } of conditions) if (status === 'ok') seen.add(`condition ${name}`)
    for (const { subject, message } of history) if (subject === 'controller') seen.add(message)
    const pulled = controller.pull?.current ?? 0
    if (pulled > mostPulled) {
      mostPulled = pulled
      growths += 1
    }
    return seen.size + growths
  }
}
