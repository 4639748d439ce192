import { isDeepStrictEqual } from 'node:util'
import { newestDefaults } from '../../config/kept-defaults.ts'
import { Alarm } from '../../core/alarm.ts'
import { Backoff } from '../../core/backoff.ts'
import type { Component, Loop } from '../../core/component.ts'
import { raceAbort } from '../../core/deadline.ts'
import { Emitter } from '../../core/emitter.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../../core/errors.ts'
import { periodic } from '../../core/periodic.ts'
import { Pulse } from '../../core/pulse.ts'
import { QuietLog } from '../../core/quiet-log.ts'
import { crashesDatabase, kernelFault } from '../../omada/database-kernel.ts'
import type { Engine, EngineEvent } from '../engine/engine.ts'
import { acknowledge } from './acknowledge.ts'
import { containerLog } from './container-log.ts'
import { followEvents } from './engine-events.ts'
import { type PassOptions, runPass } from './pass.ts'
import { Puller, type PullerOptions } from './puller.ts'
import { type ApplianceRecord, emptyRecord } from './record.ts'
import { Requests, superseded } from './requests.ts'
import { type ControllerSnapshot, snapshotOf } from './snapshot.ts'
import {
  type ControllerEvent,
  type ControllerState,
  initialState,
  isSettled,
  isStop,
  ownContainer,
  runs,
  transition,
  vanished,
  type Want,
} from './state.ts'

/** How often to look when nothing happens; more often until the controller has been ready. */
const resyncMilliseconds = { steady: 30_000, starting: 5000 } as const

/**
 * How often the container's process is looked for. Podman 4.3 with its events in a file tells of a death only with its next
 * event, as the death is written by another process.
 */
const processCheckMilliseconds = 1000

/**
 * Longest silence of a pass beyond the grace: more than the engine's deadlines, a pull's pause between two
 * tries, and the longest pull without a byte.
 */
const passSilenceMilliseconds = 900_000
/** How late the next pass may be. */
const latenessMilliseconds = 60_000

/** Faults of the way to the engine: they say nothing about the controller. */
const engineFaults = new Set<Fault['code']>([
  'ENGINE_UNREACHABLE',
  'ENGINE_TIMEOUT',
  'ENGINE_PERMISSION',
  'ENGINE_TOO_OLD',
])

export interface ReconcilerOptions
  extends Pick<
    PassOptions,
    | 'config'
    | 'chosen'
    | 'defaults'
    | 'live'
    | 'logger'
    | 'clock'
    | 'machine'
    | 'version'
    | 'ready'
    | 'omadacId'
    | 'recordFile'
    | 'guard'
    | 'certificateSource'
  > {
  /** Finds the engine; called until it succeeds. */
  readonly connect: (signal: AbortSignal) => Promise<Engine>
  /** The login for an image's registry. */
  readonly login?: PullerOptions['login']
}

/**
 * Keeps the controller's container as the configuration wants it. One pass at a time: observe, judge, plan, execute; on
 * engine events, on requests of the user and on a slow resync. All that is known is in one record.
 *
 * INVARIANTS
 * - Only `#run` starts passes, so no two are ever under way at once.
 * - The record changes in `#dispatch` alone, by `transition`.
 * - A request bumps `#requests.last`; a pass settles only requests made before it began.
 * - A step is cut short by a request only where the table of steps says so; creating, starting, stopping and removing by
 *   the end of this component alone. The next pass observes what came of them.
 * - Nothing here kills: see `stopWithGrace`.
 */
export class Reconciler implements Component {
  readonly name = 'controller'
  readonly changed = new Emitter<ControllerSnapshot>()
  /** What was done, for the history. */
  readonly steps = new Emitter<{ subject: string; message: string }>()
  /** Its life signs: each pass, each thing done in it and each rest. */
  readonly pulse: Pulse
  readonly #options: ReconcilerOptions
  readonly #pass: PassOptions
  /** Told from the beginning, before anything is pulled. */
  readonly #standing: readonly Fault[]
  readonly #requests = new Requests()
  readonly #retry = new Backoff({ initialMilliseconds: 1000, maxMilliseconds: 30_000 })
  readonly #stopping = new AbortController()
  readonly #wake: Alarm
  readonly #log: QuietLog
  readonly #processWatch: Loop
  #state: ControllerState = initialState
  #published: ControllerSnapshot
  #engine: Engine | undefined
  #interrupt = new AbortController()
  /** What was tried did not work: the engine's events, many of them of our own doing, do not shorten the wait. */
  #backingOff = false
  /** By the probes' last news. */
  #wasReady = false
  #loops: Promise<unknown>[] = []

  constructor(options: ReconcilerOptions) {
    const { config, logger, clock, machine } = options
    this.#options = options
    this.pulse = new Pulse(options)
    this.#wake = new Alarm(options)
    this.#log = new QuietLog(options)
    this.#standing = crashesDatabase(machine, config) ? [kernelFault(machine, config.controller.image)] : []
    this.#published = snapshotOf(initialState, config, this.#standing)
    const dispatch = (event: ControllerEvent) => this.#dispatch(event)
    this.#pass = {
      ...options,
      puller: new Puller({
        logger,
        clock,
        architecture: machine.architecture,
        onEvent: dispatch,
        login: options.login,
      }),
      state: () => this.#state,
      dispatch,
      remember: async (change) => {
        await this.remember(change).catch((error: unknown) => {
          const fault = toFault(error)
          logger.error({ code: fault.code, remedy: fault.remedy }, fault.message)
        })
      },
      onStep: (message) => this.steps.emit({ subject: 'controller', message }),
      alive: () => this.#alive(),
    }
    this.#processWatch = periodic({
      name: 'process-watch',
      logger,
      clock,
      intervalMilliseconds: processCheckMilliseconds,
      work: () => {
        if (vanished(this.#state, machine.processRuns)) this.#wake.ring()
      },
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#processWatch.start(signal)
    this.#loops = [this.#run()]
  }

  /** Leaves the container alone. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#loops, this.#processWatch.stop()])
  }

  snapshot(): ControllerSnapshot {
    return this.#published
  }

  /**
   * The probes have news. What has just become ready is noted at once, not with the next look: whoever changes the place of
   * the data a moment later is to be told that a controller was in another one. What has just ceased to be is looked at, too.
   */
  probed(): void {
    const ready = this.#options.ready()
    if (ready === this.#wasReady) return
    this.#wasReady = ready
    this.#wake.ring()
  }

  /** Pulls the configured image now. What runs is not touched: a newer image is taken at the next start. */
  async requestPull(signal: AbortSignal): Promise<{ message: string }> {
    const { image: reference } = this.#options.config.controller
    const own = AbortSignal.any([signal, this.#stopping.signal])
    const image = await this.#pass.puller.pull(this.#reached(), reference, { attempts: 3, signal: own })
    this.#dispatch({ kind: 'pulled' })
    this.#wake.ring()
    const container = ownContainer(this.#state)
    const newer = container !== undefined && container.imageId !== image.id
    return {
      message: newer
        ? `a newer ${reference} was pulled; take it with: omada-host restart`
        : `${reference} is on this machine and up to date`,
    }
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
    const ran = runs(this.#state)
    await this.#request('run', signal)
    return { message: ran ? 'the controller runs already' : 'the controller was started' }
  }

  /**
   * The user has seen a problem that stays until then, or says that what is in the place of the data is to be used.
   * @throws ApplianceError COMMAND_REFUSED where there is no such problem, RECORD_UNUSABLE
   */
  async requestAcknowledge(code: string, signal: AbortSignal): Promise<{ message: string }> {
    const { reason, faults } = this.#state
    const standing: readonly (string | undefined)[] = [reason.code, ...faults.map((fault) => fault.code)]
    const { message, change } = acknowledge(code, {
      standing,
      record: this.record,
      place: this.#options.config.controller.dataVolume,
    })
    await this.remember(change)
    // What waited for it goes on.
    if (standing.includes(code)) await this.#request('run', signal)
    return { message }
  }

  /** What the appliance remembers; empty before the first look. */
  get record(): ApplianceRecord {
    return this.#state.record ?? emptyRecord
  }

  /** @throws ApplianceError RECORD_UNUSABLE; it is remembered as long as this process runs all the same */
  async remember(change: (record: ApplianceRecord) => ApplianceRecord): Promise<void> {
    const record = change(this.record)
    this.#dispatch({ kind: 'recorded', record })
    const { recordFault, recordUnreadable } = this.#state
    if (recordUnreadable && recordFault !== undefined) throw new ApplianceError(recordFault)
    try {
      await this.#options.recordFile.write(record)
    } catch (error) {
      this.#dispatch({ kind: 'recorded', record, fault: toFault(error) })
      throw error
    }
  }

  /**
   * Stops the controller with its grace and removes its container, waiting through losses of the engine; for the end of
   * the appliance. Nothing is left to do where no engine was ever reached and none answers now.
   * @returns whether no container of ours runs any more, as far as it could be seen
   */
  async stopController(signal: AbortSignal): Promise<boolean> {
    if (this.#loops.length > 0 && !this.#stopping.signal.aborted) await this.#end(signal)
    return this.#state.stage === 'stopped'
  }

  /** The same where no reconciler runs that could be asked: only stops and removes, and ends. */
  static async stopController(
    options: Omit<ReconcilerOptions, 'chosen' | 'defaults' | 'ready' | 'omadacId' | 'guard' | 'certificateSource'>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const idle = {
      chosen: {},
      defaults: newestDefaults,
      ready: () => false,
      omadacId: () => undefined,
      guard: async () => {},
      certificateSource: '',
    }
    const reconciler = new Reconciler({ ...options, ...idle })
    try {
      // Asked before the first pass, which would start the controller.
      await Promise.all([reconciler.#end(signal), reconciler.start(signal)])
      return reconciler.#state.stage === 'stopped'
    } finally {
      await reconciler.stop()
    }
  }

  async #end(signal: AbortSignal): Promise<void> {
    try {
      await this.#request('end', signal, runs(this.#state))
    } catch (error) {
      if (this.#engine !== undefined || !engineFaults.has(toFault(error).code)) throw error
    }
  }

  logs(options: { follow: boolean; tail: number; signal: AbortSignal }): AsyncIterable<string> {
    const { clock, config } = this.#options
    return containerLog({ ...options, engine: this.#reached(), clock, name: config.controller.name })
  }

  /** @throws ApplianceError COMMAND_REFUSED when somebody asks for the opposite before it has come about, or has */
  async #request(want: Want, signal: AbortSignal, patient = false): Promise<void> {
    if (this.#state.want === 'end') throw superseded('end')
    this.#dispatch({ kind: 'asked', want })
    this.#interrupt.abort()
    this.#wake.ring()
    await this.#requests.add({ signal: AbortSignal.any([signal, this.#stopping.signal]), patient })
    if (isStop(this.#state.want) !== isStop(want)) throw superseded(this.#state.want)
  }

  #reached(): Engine {
    if (this.#engine !== undefined) return this.#engine
    throw new ApplianceError({
      code: 'ENGINE_UNREACHABLE',
      message: 'no container engine has answered yet',
      remedy: 'see why: omada-host status',
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#alive()
      const wait = await this.#turn(signal)
      if (signal.aborted) return
      this.pulse.promise(wait + latenessMilliseconds)
      await this.#wake.sleep(wait, signal).catch(() => {})
    }
  }

  /** One pass. Resolves to how long to rest after it, in milliseconds. */
  async #turn(signal: AbortSignal): Promise<number> {
    const { last } = this.#requests
    this.#backingOff = false
    this.#interrupt = new AbortController()
    const interrupt = this.#interrupt.signal
    try {
      this.#engine ??= await this.#connected(signal)
      const wait = await runPass({ ...this.#pass, engine: this.#engine, signal, interrupt })
      this.#retry.reset()
      this.#log.over('pass')
      // A pass that has to wait for something has not reached what is desired.
      if (wait === undefined) this.#requests.settle(last)
      return wait ?? (isSettled(this.#state) ? resyncMilliseconds.steady : resyncMilliseconds.starting)
    } catch (error) {
      if (signal.aborted || interrupt.aborted) return 0
      return this.#failed(error, last)
    }
  }

  /** A pass that began when `last` was the newest request has failed. Returns how long to wait, in milliseconds. */
  #failed(error: unknown, last: number): number {
    const faults = error instanceof ApplianceErrors ? error.faults : [toFault(error)]
    const fault = toFault(error)
    const fields = fault.code === 'INTERNAL' ? { err: error } : { code: fault.code, remedy: fault.remedy }
    // While it runs this is a warning, and logged as such.
    if (!runs(this.#state) || fault.code === 'INTERNAL') this.#log.once('pass', fault.message, { fields })
    const away = engineFaults.has(fault.code)
    this.#dispatch({ kind: 'failed', faults, away })
    this.#requests.settle(last, fault, !away)
    this.#backingOff = !away
    // What rang while the try was under way is forgotten, too, unless it was the user.
    if (this.#backingOff && this.#requests.last === last) this.#wake.clear()
    return this.#retry.next()
  }

  async #connected(signal: AbortSignal): Promise<Engine> {
    const { connect, config, clock, logger } = this.#options
    const engine = await raceAbort(connect(signal), signal)
    const onEvent = (event?: EngineEvent) => {
      if (event?.action === 'kill' && event.name === config.controller.name) this.#dispatch({ kind: 'signalled' })
      if (!this.#backingOff) this.#wake.ring()
    }
    const names = [config.controller.name, config.network.name]
    this.#loops.push(followEvents({ engine, names, clock, logger, signal, onEvent }))
    return engine
  }

  #dispatch(event: ControllerEvent): void {
    this.#state = transition(this.#state, event)
    this.#alive()
    // What was seen is told together with what is made of it: half of it would be a controller that is nowhere.
    if (event.kind === 'seen' || event.kind === 'engine-told') return
    const next = snapshotOf(this.#state, this.#options.config, this.#standing)
    if (isDeepStrictEqual(next, this.#published)) return
    this.#published = next
    this.changed.emit(next)
  }

  /** Within the grace there is nothing to tell of a stop. */
  #alive(): void {
    this.pulse.promise(this.#options.live().controller.stopGraceSeconds * 1000 + passSilenceMilliseconds)
  }
}
