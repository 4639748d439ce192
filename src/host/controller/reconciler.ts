import { isDeepStrictEqual } from 'node:util'
import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { raceAbort } from '../../core/deadline.ts'
import { Emitter } from '../../core/emitter.ts'
import { ApplianceError, type Fault, toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine } from '../engine/engine.ts'
import { containerLog } from './container-log.ts'
import { followEvents, watchProcess } from './engine-events.ts'
import type { MachineFacts } from './machine.ts'
import { Pass } from './pass.ts'
import { PassPulse } from './pass-pulse.ts'
import { isStop, Requests, superseded, type Want } from './requests.ts'
import type { ControllerSnapshot } from './snapshot.ts'

/** How often to look when nothing happens, in milliseconds; more often until the controller has been ready. */
const resync = { steady: 30_000, starting: 5000 } as const

const engineFaults = new Set<Fault['code']>([
  'ENGINE_UNREACHABLE',
  'ENGINE_TIMEOUT',
  'ENGINE_PERMISSION',
  'ENGINE_TOO_OLD',
])

/**
 * Keeps the controller's container as the configuration wants it. One pass at a time: observe, plan, execute; on engine
 * events, on requests of the user and on a slow resync.
 *
 * INVARIANTS
 * - Only `#run` starts passes, so no two are ever under way at once.
 * - A request bumps `#requests.last`; a pass settles only requests made before it began.
 * - Creating, starting, stopping and removing are never cut short by a request, only by the end of this component; the
 *   next pass observes what came of them.
 * - Nothing here kills: see `stopWithGrace`.
 */
export class Reconciler implements Component {
  readonly name = 'controller'
  readonly changed = new Emitter<ControllerSnapshot>()
  /** What was done, for the history. */
  readonly steps = new Emitter<{ subject: string; message: string }>()
  readonly pulse: PassPulse
  readonly #config: HostConfig
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #connect: (signal: AbortSignal) => Promise<Engine>
  readonly #pass: Pass
  readonly #requests = new Requests()
  readonly #retry = new Backoff({ initialMilliseconds: 1000, maxMilliseconds: 30_000 })
  readonly #stopping = new AbortController()
  #engine: Engine | undefined
  #asked: Want = 'run'
  #told = ''
  /** What was tried did not work: the engine's events, many of them of our own doing, do not shorten the wait. */
  #backingOff = false
  #wake = Promise.withResolvers<void>()
  #published: ControllerSnapshot
  #loops: Promise<unknown>[] = []

  /** `connect` finds the engine; it is called until it succeeds. `ready` tells whether the controller works now. */
  constructor(options: {
    config: HostConfig
    live: () => LiveConfig
    logger: Logger
    clock: Clock
    connect: (signal: AbortSignal) => Promise<Engine>
    machine: MachineFacts
    version: string
    ready: () => boolean
  }) {
    this.#config = options.config
    this.#logger = options.logger
    this.#clock = options.clock
    this.pulse = new PassPulse(options)
    this.#connect = options.connect
    this.#pass = new Pass({
      ...options,
      onChange: () => this.#publish(),
      onStep: (message) => this.steps.emit({ subject: 'controller', message }),
    })
    this.#published = this.#pass.snapshot()
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const own = { clock: this.#clock, signal: this.#stopping.signal }
    this.#loops = [
      this.#run(),
      watchProcess({ ...own, vanished: () => this.#pass.vanished, onGone: () => this.#wakeUp() }),
    ]
  }

  /** Leaves the container alone. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  snapshot(): ControllerSnapshot {
    return this.#published
  }

  /** Pulls the configured image now. What runs is not touched: a newer image is taken at the next start. */
  async requestPull(signal: AbortSignal): Promise<{ message: string }> {
    const engine = this.#reached()
    const message = await this.#pass.pullNow(engine, AbortSignal.any([signal, this.#stopping.signal]))
    this.#wakeUp()
    return { message }
  }

  /** Stops the controller with its grace and starts it again, from a newer image when there is one. */
  async requestRestart(signal: AbortSignal): Promise<{ message: string }> {
    await this.#request('restart', signal)
    return { message: 'the controller was restarted' }
  }

  /** Stops the controller with its grace; it stays stopped until `requestStart` or `requestRestart`. */
  async requestStop(signal: AbortSignal): Promise<{ message: string }> {
    await this.#request('stop', signal)
    return { message: 'the controller is stopped; start it again with: omada-host start' }
  }

  async requestStart(signal: AbortSignal): Promise<{ message: string }> {
    const ran = this.#pass.runs
    await this.#request('run', signal)
    return { message: ran ? 'the controller runs already' : 'the controller was started' }
  }

  /**
   * Stops the controller with its grace and removes its container, waiting through losses of the engine; for the end of
   * the appliance. Nothing is left to do where no engine was ever reached and none answers now.
   */
  async stopController(signal: AbortSignal): Promise<void> {
    if (this.#loops.length === 0 || this.#stopping.signal.aborted) return
    try {
      await this.#request('end', signal, this.#pass.runs)
    } catch (error) {
      if (this.#engine !== undefined || !engineFaults.has(toFault(error).code)) throw error
    }
  }

  logs(options: { follow: boolean; tail: number; signal: AbortSignal }): AsyncIterable<string> {
    return containerLog({ ...options, engine: this.#reached(), clock: this.#clock, name: this.#config.controller.name })
  }

  /** @throws ApplianceError COMMAND_REFUSED when somebody asks for the opposite before it has come about, or has */
  async #request(want: Want, signal: AbortSignal, patient = false): Promise<void> {
    if (this.#asked === 'end') throw superseded('end')
    this.#asked = want
    this.#pass.want(want)
    const own = AbortSignal.any([signal, this.#stopping.signal])
    await this.#requests.add({ signal: own, patient, wake: () => this.#wakeUp() })
    if (isStop(this.#asked) !== isStop(want)) throw superseded(this.#asked)
  }

  #reached(): Engine {
    if (this.#engine !== undefined) return this.#engine
    throw new ApplianceError({
      code: 'ENGINE_UNREACHABLE',
      message: 'no container engine has answered yet',
      remedy: 'see why: omada-host status',
    })
  }

  #wakeUp(): void {
    this.#wake.resolve()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers()
      this.pulse.working()
      const wait = await this.#turn(signal)
      if (signal.aborted) return
      this.pulse.resting(wait)
      const rest = new AbortController()
      const sleep = this.#clock.sleep(wait, AbortSignal.any([signal, rest.signal])).catch(() => {})
      await Promise.race([this.#wake.promise, sleep])
      rest.abort()
    }
  }

  /** One pass. Resolves to how long to rest after it, in milliseconds. */
  async #turn(signal: AbortSignal): Promise<number> {
    const { last } = this.#requests
    this.#backingOff = false
    this.#pass.begin()
    try {
      this.#engine ??= await this.#connected(signal)
      const wait = await this.#pass.run(this.#engine, signal)
      this.#retry.reset()
      this.#told = ''
      // A pass that has to wait for something has not reached what is desired.
      if (wait === undefined) this.#requests.settle(last)
      return wait ?? (this.#pass.settled ? resync.steady : resync.starting)
    } catch (error) {
      if (signal.aborted || this.#pass.interrupted) return 0
      const fault = toFault(error)
      this.#tell(fault, error)
      const away = engineFaults.has(fault.code)
      this.#pass.failed(error, away)
      this.#requests.settle(last, fault, !away)
      this.#backOff(!away, last)
      return this.#retry.next()
    }
  }

  /** Forgets what woke us while the try was under way, unless it was the user. */
  #backOff(backingOff: boolean, last: number): void {
    this.#backingOff = backingOff
    if (backingOff && this.#requests.last === last) this.#wake = Promise.withResolvers()
  }

  /** Logs a fault once, not at every try. */
  #tell(fault: Fault, error: unknown): void {
    if (fault.message === this.#told) return
    this.#told = fault.message
    const detail = fault.code === 'INTERNAL' ? { err: error } : { code: fault.code, remedy: fault.remedy }
    this.#logger.warn(detail, fault.message)
  }

  async #connected(signal: AbortSignal): Promise<Engine> {
    const engine = await raceAbort(this.#connect(signal), signal)
    const { controller, network } = this.#config
    this.#loops.push(
      followEvents({
        engine,
        names: [controller.name, network.name],
        clock: this.#clock,
        logger: this.#logger,
        signal,
        onEvent: () => {
          if (!this.#backingOff) this.#wakeUp()
        },
      }),
    )
    return engine
  }

  #publish(): void {
    this.pulse.working()
    const next = this.#pass.snapshot()
    if (isDeepStrictEqual(next, this.#published)) return
    this.#published = next
    this.changed.emit(next)
  }
}
