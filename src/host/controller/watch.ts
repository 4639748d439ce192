import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { plainText } from '../../core/text.ts'
import type { Reason } from '../../ipc/host-state.ts'
import { findOutOfMemory } from '../../omada/refusals.ts'
import type { Engine, EngineContainer } from '../engine/engine.ts'
import { lastLog } from './container-log.ts'
import { DeathWatch, type Verdict } from './deaths.ts'

/** How often a controller that runs but is not ready is looked at for an exhausted heap, in milliseconds. */
const heapCheckEvery = 30_000

/** Follows the container that runs by our will: has it been ready, did it die, may it start again. */
export class ContainerWatch {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #ready: () => boolean
  readonly #deaths = new DeathWatch()
  /** Id of the container whose end would be a death. */
  #watched: string | undefined
  #wasReady = false
  #restartAt = 0
  #heapCheckedAt = Number.NEGATIVE_INFINITY
  #heapWarning: Reason | undefined

  constructor(options: { logger: Logger; clock: Clock; ready: () => boolean }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#ready = options.ready
  }

  /** Whether the controller has been ready since its container's start. */
  get wasReady(): boolean {
    return this.#wasReady
  }

  /** How long a container that died has still to wait, in milliseconds. */
  get restartIn(): number {
    return Math.max(0, this.#restartAt - this.#clock.now())
  }

  get warning(): Reason | undefined {
    return this.#heapWarning
  }

  /** A container was started; undefined when it is gone already. */
  started(id: string | undefined): void {
    this.#watched = id
    this.#wasReady = false
    this.#heapWarning = undefined
    this.#heapCheckedAt = this.#clock.now()
  }

  /** Whatever ended, was meant to. */
  stopped(): void {
    this.#watched = undefined
    this.#wasReady = false
    this.#heapWarning = undefined
  }

  /** The user asked for a fresh start. */
  reset(): void {
    this.#deaths.reset()
    this.#restartAt = 0
  }

  /** A look at a container that runs, perhaps one that was there before us. */
  async running(engine: Engine, container: EngineContainer, signal: AbortSignal): Promise<void> {
    if (this.#watched !== container.id) this.started(container.id)
    const ready = this.#ready()
    if (ready) {
      this.#wasReady = true
      this.#heapWarning = undefined
      return
    }
    if (this.#clock.now() - this.#heapCheckedAt < heapCheckEvery) return
    this.#heapCheckedAt = this.#clock.now()
    const line = findOutOfMemory(await lastLog(engine, container, { logger: this.#logger, signal }))
    if (line === undefined) return
    this.#heapWarning = {
      code: 'CONTROLLER_OUT_OF_MEMORY',
      message: `the controller runs but its java heap is exhausted (${plainText(line, 200)})`,
      remedy: 'omada-host restart; then give it more with controller.memory.heapMegabytes, or the machine more memory',
    }
  }

  /** Whether it ended by no will of ours, and was not judged for it yet. */
  died(container: EngineContainer): boolean {
    return container.status === 'exited' && this.#watched === container.id
  }

  /** The verdict on a container that does not run, or undefined when its end was no death, or was judged already. */
  async ended(engine: Engine, container: EngineContainer, signal: AbortSignal): Promise<Verdict | undefined> {
    if (!this.died(container)) return undefined
    const log = await lastLog(engine, container, { logger: this.#logger, signal })
    const now = this.#clock.now()
    const { exitCode, outOfMemory } = container
    const verdict = this.#deaths.judge({ exitCode, outOfMemory, log }, now, this.#wasReady || this.#ready())
    this.stopped()
    if (verdict.kind === 'restart') this.#restartAt = now + verdict.restartIn
    return verdict
  }
}
