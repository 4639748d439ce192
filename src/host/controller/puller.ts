import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { raceAbort } from '../../core/deadline.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { PullProgress } from '../../ipc/host-state.ts'
import type { Engine, EngineImage, PullUpdate } from '../engine/engine.ts'

/** Failures of a pull that pass by themselves. */
const transient = new Set<Fault['code']>([
  'REGISTRY_UNREACHABLE',
  'IMAGE_PULL_FAILED',
  'DISK_FULL',
  'ENGINE_UNREACHABLE',
  'ENGINE_TIMEOUT',
])

/** Pulls one image at a time, with progress, and again after failures that may pass. */
export class Puller {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #architecture: string
  readonly #onChange: () => void
  #turn: Promise<void> = Promise.resolve()
  #succeeded = Promise.withResolvers<void>()
  #progress: PullProgress | undefined
  #fault: Fault | undefined

  /** `onChange` is called whenever `progress` or `fault` changed. */
  constructor(options: { logger: Logger; clock: Clock; architecture: string; onChange: () => void }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#architecture = options.architecture
    this.#onChange = options.onChange
  }

  /** The progress of the pull under way. */
  get progress(): PullProgress | undefined {
    return this.#progress
  }

  /** Why the last try of the pull under way failed, until the next one succeeds. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /**
   * Pulls `reference`, trying `attempts` times where the failure may pass. Tries take turns, so that a user who pulls does
   * not wait for the next try of another pull; and that one goes on at once when theirs succeeds.
   * @throws the last try's ApplianceError, IMAGE_ARCHITECTURE, or the signal's reason
   */
  async pull(
    engine: Engine,
    reference: string,
    options: { attempts: number; signal: AbortSignal },
  ): Promise<EngineImage> {
    const { signal } = options
    const backoff = new Backoff({ initialMilliseconds: 2000, maxMilliseconds: 300_000 })
    let progress: PullProgress | undefined
    let told: Fault | undefined
    try {
      for (let attempt = 1; ; attempt += 1) {
        const onProgress = (update: PullUpdate) => {
          progress = { image: reference, ...update, attempt }
          this.#progress = progress
          this.#onChange()
        }
        try {
          return await this.#try(engine, reference, { signal, onProgress })
        } catch (error) {
          signal.throwIfAborted()
          const passes = error instanceof ApplianceError && transient.has(error.code)
          if (!passes || attempt >= options.attempts) throw error
          const wait = backoff.next()
          told = error.fault
          this.#fault = told
          this.#logger.warn({ code: error.code }, `${error.message}; trying again in ${Math.ceil(wait / 1000)} s`)
          this.#onChange()
          await this.#pause(wait, signal)
        }
      }
    } finally {
      if (this.#progress === progress) this.#progress = undefined
      if (this.#fault === told) this.#fault = undefined
      this.#onChange()
    }
  }

  /** One try, when it is its turn. */
  async #try(
    engine: Engine,
    reference: string,
    options: { signal: AbortSignal; onProgress: (update: PullUpdate) => void },
  ): Promise<EngineImage> {
    const { signal, onProgress } = options
    const before = this.#turn
    const turn = Promise.withResolvers<void>()
    this.#turn = before.then(() => turn.promise)
    try {
      await raceAbort(before, signal)
      onProgress({ current: 0, total: 0, layers: [] })
      await engine.pull(reference, { signal, onProgress })
      const image = await this.#pulled(engine, reference, signal)
      this.#succeeded.resolve()
      this.#succeeded = Promise.withResolvers()
      return image
    } finally {
      turn.resolve()
    }
  }

  /** Waits for the next try, or until another pull succeeds. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController()
    const sleep = this.#clock.sleep(milliseconds, AbortSignal.any([signal, enough.signal]))
    try {
      await Promise.race([sleep, this.#succeeded.promise])
    } finally {
      enough.abort()
    }
  }

  async #pulled(engine: Engine, reference: string, signal: AbortSignal): Promise<EngineImage> {
    const image = await engine.image(reference, signal)
    if (image === undefined) {
      throw new ApplianceError({
        code: 'IMAGE_PULL_FAILED',
        message: `${reference} was pulled, but the engine does not have it`,
        remedy: 'see what the engine logs: journalctl -u podman -u docker',
      })
    }
    const fault = architectureFault(reference, image, this.#architecture)
    if (fault !== undefined) throw new ApplianceError(fault)
    return image
  }
}

/** What is wrong when an image is not for this machine. Podman pulls such an image without complaint. */
export function architectureFault(reference: string, image: EngineImage, architecture: string): Fault | undefined {
  if (image.architecture === architecture) return undefined
  return {
    code: 'IMAGE_ARCHITECTURE',
    message: `${reference} is for ${image.architecture}, but this machine is ${architecture}`,
    remedy: `choose a tag for ${architecture} with controller.image, and remove this one: podman rmi ${reference} (with Docker: docker rmi …)`,
  }
}
