import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineContainer, EngineInfo } from '../engine/engine.ts'
import { restarting } from './deaths.ts'
import { execute } from './execute.ts'
import type { MachineFacts } from './machine.ts'
import { findObstacles, type Observation, observeSettled } from './observe.ts'
import { isOurs, isRunning, planSteps, planStop, type Step } from './plan.ts'
import { Puller } from './puller.ts'
import { isStop, type Want } from './requests.ts'
import type { ControllerSnapshot } from './snapshot.ts'
import { type Desired, desiredState, labels } from './spec.ts'
import { Standing } from './standing.ts'
import { interruptible, lifecycleOf, stepWords } from './step-words.ts'
import { ContainerWatch } from './watch.ts'

/** More rounds of plan and execution than this do not converge: something undoes what we do. */
const maxRounds = 8

/** What no other try will change: only the user's next request takes it up again. */
const permanent = new Set<Fault['code']>(['IMAGE_NOT_FOUND', 'IMAGE_ARCHITECTURE'])

interface PassOptions {
  readonly config: HostConfig
  readonly live: () => LiveConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly machine: MachineFacts
  readonly version: string
  readonly ready: () => boolean
  /** The snapshot may have changed. */
  readonly onChange: () => void
  /** Something was done; for people. */
  readonly onStep: (message: string) => void
}

/** One pass after another: observe, judge, plan, execute, until nothing is left to do; and what is kept between them. */
export class Pass {
  readonly #config: HostConfig
  readonly #options: PassOptions
  readonly #puller: Puller
  readonly #watch: ContainerWatch
  readonly #standing: Standing
  #want: Want = 'run'
  #pulled = false
  #interrupt = new AbortController()
  #info: EngineInfo | undefined
  /** Podman's name server was seen not to get its port. */
  #portTaken = false
  /** What only the user can solve; nothing is tried until they ask. */
  #held: Fault | undefined

  constructor(options: PassOptions) {
    const { logger, clock, machine, onChange, ready } = options
    this.#config = options.config
    this.#options = options
    this.#puller = new Puller({ logger, clock, architecture: machine.architecture, onChange })
    this.#watch = new ContainerWatch({ logger, clock, ready })
    this.#standing = new Standing({ onChange })
  }

  /** Whether our container runs, as last seen. */
  get runs(): boolean {
    return this.#standing.runs
  }

  /** Whether our container was last seen running, but its process is gone. */
  get vanished(): boolean {
    return this.#standing.vanished(this.#options.machine.processRuns)
  }

  /** Whether there is nothing to look out for but what the engine tells. */
  get settled(): boolean {
    return this.#watch.wasReady || ['stopped', 'failed'].includes(this.#standing.lifecycle)
  }

  get #stops(): boolean {
    return isStop(this.#want)
  }

  /** Whether the pass under way, or the last one, was cut short by `want`. */
  get interrupted(): boolean {
    return this.#interrupt.signal.aborted
  }

  /** Changes what is wanted, and cuts the pass under way short where that does no harm. */
  want(want: Want): void {
    // Who asks that it runs does not undo a restart that another one waits for.
    if (want !== 'run' || this.#want !== 'restart') this.#want = want
    if (want === 'run' || want === 'restart') {
      this.#held = undefined
      this.#pulled = false
      this.#watch.reset()
    }
    this.#interrupt.abort()
  }

  snapshot(): ControllerSnapshot {
    return this.#standing.snapshot({ config: this.#config, puller: this.#puller, warning: this.#watch.warning })
  }

  /** Before `run`: what was wanted until now is taken up by it. */
  begin(): void {
    this.#interrupt = new AbortController()
  }

  /** Resolves to undefined when what is wanted is reached, else to how long to wait before the next pass, in milliseconds. */
  async run(engine: Engine, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#options
    const own = AbortSignal.any([signal, this.#interrupt.signal])
    for (let round = 0; round < maxRounds; round += 1) {
      own.throwIfAborted()
      const died = (container: EngineContainer) => !this.#stops && this.#watch.died(container)
      const observed = await observeSettled({ engine, config: this.#config, clock, died, signal: own })
      this.#standing.saw(observed)
      const desired = this.#stops ? undefined : await this.#desired(engine, observed, own)
      const steps = desired === undefined ? planStop(observed, this.#want === 'end') : this.#plan(desired, observed)
      const [first] = steps
      if (first === undefined) {
        this.#reached()
        return undefined
      }
      if (first.kind === 'wait') return first.milliseconds
      if (desired !== undefined) await this.#preflight(engine, observed, own)
      for (const step of steps) {
        await this.#execute(step, engine, signal)
        if (this.interrupted) break
      }
    }
    throw new ApplianceError({
      code: 'ENGINE_REQUEST',
      message: 'the controller does not come to what is wanted: something else changes its container or its network',
      remedy: `see what does: ${this.#info?.kind ?? 'podman'} events --filter container=${this.#config.controller.name}`,
    })
  }

  /** Pulls now, for the user. Returns what came of it, for people. */
  async pullNow(engine: Engine, signal: AbortSignal): Promise<string> {
    const { image: reference } = this.#config.controller
    const image = await this.#puller.pull(engine, reference, { attempts: 3, signal })
    this.#pulled = true
    if (this.#held?.code !== undefined && permanent.has(this.#held.code)) this.#held = undefined
    const { container } = this.#standing
    return container !== undefined && container.imageId !== image.id
      ? `a newer ${reference} was pulled; take it with: omada-host restart`
      : `${reference} is on this machine and up to date`
  }

  /** Takes note of a pass that failed. `away`: with the engine, so that the controller itself may be as it was. */
  failed(error: unknown, away: boolean): void {
    const faults = error instanceof ApplianceErrors ? error.faults : [toFault(error)]
    const [first, ...others] = faults
    if (first === undefined) return
    if (permanent.has(first.code)) this.#held = first
    if (away) {
      this.#info = undefined
      // While it runs the probes speak for it: that nobody could stop or restart it now is a warning.
      this.#standing.show(this.#standing.lifecycle, first, this.runs ? faults : others)
    } else if (this.runs) this.#standing.showRunning(this.#watch.wasReady, faults)
    else this.#standing.show('failed', first, others)
  }

  /**
   * Judges a container that ended, and says what is wanted.
   * @throws ApplianceError what only the user can solve, as long as they did not ask for another try
   */
  async #desired(engine: Engine, observed: Observation, signal: AbortSignal): Promise<Desired> {
    const { container } = observed
    this.#info ??= this.#standing.knows(await engine.info(signal))
    const ours = container !== undefined && isOurs(container)
    if (ours && isRunning(container)) await this.#watch.running(engine, container, signal)
    const verdict = ours ? await this.#watch.ended(engine, container, signal) : undefined
    if (verdict !== undefined) {
      this.#options.onStep(verdict.reason.message)
      if (verdict.kind === 'restart') this.#standing.show('creating', restarting(verdict.reason, verdict.restartIn))
      else this.#held = verdict.reason
    }
    const names = await this.#options.machine.names()
    const desired = desiredState({
      config: this.#config,
      stopGraceSeconds: this.#options.live().controller.stopGraceSeconds,
      machine: this.#options.machine,
      engine: this.#info,
      names: { ...names, served: names.served || this.#portTaken },
      version: this.#options.version,
    })
    const good = this.runs && container?.labels[labels.spec] === desired.container.labels[labels.spec]
    if (good) this.#held = undefined
    if (this.#held !== undefined) throw new ApplianceError(this.#held)
    return desired
  }

  #plan(desired: Desired, observed: Observation): readonly Step[] {
    if (this.#want === 'restart' && !isRunning(observed.container)) this.#want = 'run'
    const { pull } = this.#options.live().controller
    const run = this.#want === 'restart' ? 'restart' : 'run'
    return planSteps(desired, observed, { run, pull, pulled: this.#pulled, restartIn: this.#watch.restartIn })
  }

  /** @throws ApplianceErrors */
  async #preflight(engine: Engine, observed: Observation, signal: AbortSignal): Promise<void> {
    // Asked anew: a socket-activated engine may have been restarted with another runtime.
    this.#info = await engine.info(signal)
    const { config, machine } = this.#options
    const faults = await findObstacles({ config, engine: this.#info, machine, observed })
    if (faults.length > 0) throw new ApplianceErrors(faults)
  }

  async #execute(step: Step, engine: Engine, signal: AbortSignal): Promise<void> {
    const {
      network,
      controller: { name },
    } = this.#config
    const graceSeconds = this.#options.live().controller.stopGraceSeconds
    const { onChange: onRetry, clock, logger } = this.#options
    const { doing, done } = stepWords[step.kind]
    const lifecycle = this.#stops ? 'stopping' : lifecycleOf[step.kind]
    if (step.kind !== 'pull' || !this.runs) this.#standing.show(lifecycle, { message: doing })
    logger.info({ step: step.kind }, doing)
    const context = {
      ...{ engine, engineKind: this.#info?.kind ?? ('podman' as const), logger, clock, name, graceSeconds, onRetry },
      network: network.name,
      pull: async (reference: string, options: { attempts: number; signal: AbortSignal }) => {
        await this.#puller.pull(engine, reference, options)
      },
    }
    const cut = interruptible.has(step.kind) ? AbortSignal.any([signal, this.#interrupt.signal]) : signal
    const instead = await execute(step, context, cut)
    if (instead !== undefined) this.#portTaken = true
    if (step.kind === 'pull') this.#pulled = true
    if (step.kind === 'start') this.#watch.started((await engine.container(name, signal))?.id)
    if (step.kind === 'stop') {
      this.#watch.stopped()
      if (this.#want === 'restart') this.#want = 'run'
    }
    this.#options.onStep(instead ?? done)
  }

  /** Nothing is left to do. */
  #reached(): void {
    if (this.#stops) {
      this.#watch.stopped()
      this.#standing.show('stopped', {
        message: 'the controller is stopped until it is started again',
        remedy: 'omada-host start',
      })
      return
    }
    this.#standing.showRunning(this.#watch.wasReady)
  }
}
