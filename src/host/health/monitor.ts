import { isDeepStrictEqual } from 'node:util'
import { isoTime } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { Emitter } from '../../core/emitter.ts'
import type { Reason } from '../../core/errors.ts'
import type { WarningSource, Warnings } from '../../core/warnings.ts'
import type { Condition } from '../../ipc/host-state.ts'
import type { ControllerInfo } from '../../omada/info-api.ts'
import { conditionTable, type ProbedName } from './condition-table.ts'
import { conditionsSource } from './conditions.ts'
import type { ProbeResult } from './schedule.ts'
import { ProbeSession, type ProbeTarget, type ProbingOptions } from './session.ts'

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

/** The life of one target as the monitor sees it. */
interface Watch {
  readonly session: ProbeSession
  /** Monotonic. */
  readonly startedAt: number
  ready: boolean
  everReady: boolean
  unhealthySince?: number
  /** Since when its database has answered at every look. Monotonic. */
  databaseSince?: number
  controller?: ControllerInfo
}

/**
 * How long a database that may crash has to have lived before it counts, in seconds: twice the half minute after which
 * MongoDB 8 was seen to end on kernels that it does not work on (docker-library/mongo#762).
 */
const provingSeconds = 60

const notRunning: Reason = { message: 'the container is not running' }

/**
 * Watches the controller in the container that `setTarget` names. Ready is: MongoDB writable and answering, the info API
 * says error code 0, the device port accepts, the discovery port is bound. Once ready, `failureThreshold` failures in a
 * row of any of these end it, and it comes back by itself.
 */
export class HealthMonitor implements Component {
  readonly name = 'health'
  readonly changed = new Emitter<HealthSnapshot>()
  readonly #options: ProbingOptions
  readonly #mayCrash: () => boolean
  readonly #provingSeconds: number
  readonly #warnings: WarningSource
  /** Settles when nothing of former targets is left. */
  #closed: Promise<unknown> = Promise.resolve()
  #running = false
  #target: ProbeTarget | undefined
  #watch: Watch | undefined
  /** Since when it is this container that runs, or none. */
  #since: string
  #emitted = ''

  /**
   * `databaseMayCrash`: a database that answers may be gone half a minute later, so that it has to answer for
   * `crashProvingSeconds` first.
   */
  constructor({
    warnings,
    databaseMayCrash,
    crashProvingSeconds = provingSeconds,
    ...options
  }: ProbingOptions & {
    readonly warnings: Warnings
    readonly databaseMayCrash: () => boolean
    readonly crashProvingSeconds?: number
  }) {
    this.#options = options
    this.#mayCrash = databaseMayCrash
    this.#provingSeconds = crashProvingSeconds
    this.#warnings = warnings.source(conditionsSource)
    this.#since = isoTime(this.#options.clock)
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#running = true
    if (this.#target !== undefined) this.#open(this.#target)
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#close()
    await this.#closed
  }

  /** The container that runs now, undefined when none does. Another one, or one started anew, is unknown at first. */
  setTarget(target: ProbeTarget | undefined): void {
    if (isDeepStrictEqual(this.#target, target)) return
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
    return this.#watch?.session.schedule.dueBy() ?? Number.POSITIVE_INFINITY
  }

  snapshot(): HealthSnapshot {
    const since = this.#since
    if (this.#watch === undefined) {
      const names = ['container', ...conditionTable.map(({ name }) => name)]
      const conditions = names.map((name) => ({ name, status: 'unknown' as const, reason: notRunning, since }))
      return { conditions, ready: false, everReady: false, reason: notRunning }
    }
    const { session, everReady, controller } = this.#watch
    const running: Condition = { name: 'container', status: 'ok', reason: { message: 'the container runs' }, since }
    return {
      conditions: [running, ...session.conditions.list()],
      ready: isReady(this.#watch),
      everReady,
      reason: this.#reason(this.#watch),
      ...(controller?.version === undefined ? {} : { version: controller.version }),
      ...(controller?.omadacId === undefined ? {} : { omadacId: controller.omadacId }),
    }
  }

  #reason(watch: Watch): Reason {
    const { conditions } = watch.session
    if (isReady(watch)) return { message: 'the controller is ready' }
    const found = conditions.rootCause() ?? { message: this.#progress(watch) }
    if (watch.everReady || this.#patient(watch)) return found
    const { startupSeconds } = this.#options.live().health
    return {
      code: 'CONTROLLER_START_TIMEOUT',
      message: `the controller has not become ready within ${startupSeconds} s: ${found.message}`,
      remedy: 'see what it does with omada-host logs; on a slow machine raise health.startupSeconds',
    }
  }

  #progress(watch: Watch): string {
    const { conditions } = watch.session
    if (!conditions.allSettled() || this.#proved(watch)) return conditions.progress()
    return `everything answers; as its database may crash here, it counts when that has lived for ${this.#provingSeconds} s`
  }

  /** Whether the database has lived for long enough. */
  #proved({ databaseSince }: Watch): boolean {
    if (!this.#mayCrash()) return true
    return databaseSince !== undefined && this.#options.clock.now() - databaseSince >= this.#provingSeconds * 1000
  }

  /** True while a controller that has not been ready yet is still given time to start. */
  #patient(watch: Watch): boolean {
    const { live, clock } = this.#options
    return !watch.everReady && clock.now() - watch.startedAt < live().health.startupSeconds * 1000
  }

  #open(target: ProbeTarget): void {
    const session = new ProbeSession({
      ...this.#options,
      warnings: this.#warnings,
      target,
      everReady: () => watch.everReady,
      report: (name, result) => this.#take(watch, name, result),
    })
    const watch: Watch = { session, startedAt: this.#options.clock.now(), ready: false, everReady: false }
    this.#watch = watch
    this.#since = isoTime(this.#options.clock)
    session.start()
  }

  #close(): void {
    this.#closed = Promise.all([this.#closed, this.#watch?.session.close()])
    this.#watch = undefined
    this.#since = isoTime(this.#options.clock)
  }

  #take(watch: Watch, name: ProbedName, result: ProbeResult): void {
    const { conditions } = watch.session
    const before = conditions.list().find((condition) => condition.name === name)?.status
    conditions.record(name, result, this.#patient(watch))
    if (result.ok && result.controller !== undefined) watch.controller = result.controller
    if (name === 'database') {
      if (result.ok) watch.databaseSince ??= this.#options.clock.now()
      else delete watch.databaseSince
    }
    const ready = watch.everReady ? conditions.allOk() : conditions.allSettled() && this.#proved(watch)
    if (ready) {
      watch.everReady = true
      delete watch.unhealthySince
    } else if (watch.ready) {
      watch.unhealthySince = this.#options.clock.now()
    }
    watch.ready = ready
    // What has just come up often brings the rest along: look at once instead of after the interval.
    if (!ready && result.ok && before !== 'ok') watch.session.schedule.wake()
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

/** Once it was ready, by its conditions as they are: whoever hears of one of them may ask before it is noted here. */
function isReady({ everReady, ready, session }: Watch): boolean {
  return everReady ? session.conditions.allOk() : ready
}
