import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { Emitter } from '../../core/emitter.ts'
import type { Reason } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { WarningSource, Warnings } from '../../core/warnings.ts'
import type { Condition } from '../../ipc/host-state.ts'
import type { ControllerInfo } from '../../omada/info-api.ts'
import { conditionTable, type ProbedName } from './condition-table.ts'
import { conditionsSource } from './conditions.ts'
import { controllerProbePorts, type ProbePorts } from './controller-probes.ts'
import type { inNetworkNamespace } from './probe-process.ts'
import type { ProbeResult } from './schedule.ts'
import { ProbeSession, type ProbeTarget } from './session.ts'

export type { ProbeTarget } from './session.ts'

/** What is known of the controller's health. `everReady` is of this container since it started, not of all time. */
export interface HealthSnapshot {
  readonly conditions: readonly Condition[]
  readonly ready: boolean
  readonly everReady: boolean
  /** The root cause of what fails, never a consequence of it; while starting, what is being waited for. */
  readonly reason: Reason
  readonly version?: string
  readonly omadacId?: string
}

export interface HealthMonitorOptions {
  readonly config: HostConfig
  readonly live: () => LiveConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly warnings: Warnings
  /** The command that runs this program's probe child, such as [node, main.js, 'probe']. */
  readonly probeCommand: readonly string[]
  /** The controller's own, unless others are put in their place. */
  readonly ports?: ProbePorts
  /** nsenter(1) unless something else is put in its place. */
  readonly enterNamespace?: typeof inNetworkNamespace
}

/** One target's life as the monitor sees it. */
interface Watch {
  readonly target: ProbeTarget
  readonly session: ProbeSession
  /** Monotonic. */
  readonly startedAt: number
  readonly since: string
  ready: boolean
  everReady: boolean
  unhealthySince?: number
  controller?: ControllerInfo
}

/**
 * Watches the controller in the container that `setTarget` names. Ready is: MongoDB writable and answering, the info API
 * says error code 0, the device port accepts, the discovery port is bound. Once ready, `failureThreshold` failures in a
 * row of any of these end it, and it comes back by itself.
 */
export class HealthMonitor implements Component {
  readonly name = 'health'
  readonly changed = new Emitter<HealthSnapshot>()
  readonly #options: HealthMonitorOptions
  readonly #warnings: WarningSource
  readonly #closing = new Set<Promise<void>>()
  #running = false
  #target: ProbeTarget | undefined
  #watch: Watch | undefined
  #idleSince: string
  #emitted = ''

  constructor(options: HealthMonitorOptions) {
    this.#options = options
    this.#warnings = options.warnings.source(conditionsSource)
    this.#idleSince = new Date(options.clock.wall()).toISOString()
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#running = true
    if (this.#target !== undefined) this.#open(this.#target)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#close()
    await Promise.all(this.#closing)
  }

  /** The container that runs now, undefined when none does. Another one, or one started anew, is unknown at first. */
  setTarget(target: ProbeTarget | undefined): void {
    if (sameTarget(this.#target, target)) return
    this.#target = target
    if (!this.#running) return
    this.#close()
    if (target !== undefined) this.#open(target)
    // What was wrong in the container that is gone is not over, nor does it stand.
    this.#warnings.forget()
    this.#publish()
  }

  /** Since when a controller that was ready is not, on the monotonic clock; undefined while ready or still starting. */
  unhealthySince(): number | undefined {
    return this.#watch?.unhealthySince
  }

  /** When the probes' next sign of life is due, on the monotonic clock; infinite while there is nothing to look at. */
  dueBy(): number {
    return this.#watch?.session.dueBy() ?? Number.POSITIVE_INFINITY
  }

  snapshot(): HealthSnapshot {
    const watch = this.#watch
    if (watch === undefined) {
      return {
        conditions: [this.#container('unknown'), ...this.#unwatched()],
        ready: false,
        everReady: false,
        reason: { message: 'the container is not running' },
      }
    }
    const { ready, everReady, controller } = watch
    return {
      conditions: [this.#container('ok'), ...watch.session.conditions.list()],
      ready,
      everReady,
      reason: this.#reason(watch),
      ...(controller?.version === undefined ? {} : { version: controller.version }),
      ...(controller?.omadacId === undefined ? {} : { omadacId: controller.omadacId }),
    }
  }

  #container(status: 'ok' | 'unknown'): Condition {
    const message = status === 'ok' ? 'the container runs' : 'the container is not running'
    return { name: 'container', status, reason: { message }, since: this.#watch?.since ?? this.#idleSince }
  }

  #unwatched(): readonly Condition[] {
    const reason = { message: 'the container is not running' }
    return conditionTable.map(({ name }) => ({ name, status: 'unknown', reason, since: this.#idleSince }))
  }

  #reason(watch: Watch): Reason {
    const { conditions } = watch.session
    if (watch.ready) return { message: 'the controller is ready' }
    const found = conditions.rootCause() ?? { message: conditions.progress() }
    if (watch.everReady || this.#patient(watch)) return found
    const { startupSeconds } = this.#options.live().health
    return {
      code: 'CONTROLLER_START_TIMEOUT',
      message: `the controller has not become ready within ${startupSeconds} s: ${found.message}`,
      remedy: 'see what it does with omada-host logs; on a slow machine raise health.startupSeconds',
    }
  }

  /** True while a controller that has not been ready yet is still given time to start. */
  #patient(watch: Watch): boolean {
    const { live, clock } = this.#options
    return !watch.everReady && clock.now() - watch.startedAt < live().health.startupSeconds * 1000
  }

  #open(target: ProbeTarget): void {
    const { clock } = this.#options
    const session = new ProbeSession({
      ...this.#options,
      warnings: this.#warnings,
      ports: this.#options.ports ?? controllerProbePorts,
      target,
      everReady: () => watch.everReady,
      report: (name, result) => this.#take(watch, name, result),
    })
    const watch: Watch = {
      target,
      session,
      startedAt: clock.now(),
      since: new Date(clock.wall()).toISOString(),
      ready: false,
      everReady: false,
    }
    this.#watch = watch
    session.start()
  }

  #close(): void {
    const closing = this.#watch?.session.close()
    this.#watch = undefined
    this.#idleSince = new Date(this.#options.clock.wall()).toISOString()
    if (closing === undefined) return
    this.#closing.add(closing)
    void closing.finally(() => this.#closing.delete(closing))
  }

  #take(watch: Watch, name: ProbedName, result: ProbeResult): void {
    const { conditions } = watch.session
    const before = conditions.list().find((condition) => condition.name === name)?.status
    conditions.record(name, result, this.#patient(watch))
    if (result.ok && result.controller !== undefined) watch.controller = result.controller
    const ready = watch.everReady ? conditions.allOk() : conditions.allSettled()
    if (ready) {
      watch.everReady = true
      delete watch.unhealthySince
    } else if (watch.ready) {
      watch.unhealthySince = this.#options.clock.now()
    }
    watch.ready = ready
    // What has just come up often brings the rest along: look at once instead of after the interval.
    if (!ready && result.ok && before !== 'ok') watch.session.wake()
    this.#publish()
  }

  #publish(): void {
    const snapshot = this.snapshot()
    const text = JSON.stringify(snapshot)
    if (text === this.#emitted) return
    this.#emitted = text
    this.changed.emit(snapshot)
  }
}

function sameTarget(one: ProbeTarget | undefined, other: ProbeTarget | undefined): boolean {
  return (
    one?.containerId === other?.containerId && one?.address === other?.address && one?.sandboxKey === other?.sandboxKey
  )
}
