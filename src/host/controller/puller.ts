import { Alarm } from '../../core/alarm.ts'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Serial } from '../../core/serial.ts'
import type { PullProgress } from '../../ipc/host-state.ts'
import type { Engine, EngineImage, PullOptions, PullUpdate, RegistryLogin } from '../engine/engine.ts'
import { retryAfterMilliseconds } from '../engine/registry-fault.ts'

/** Failures of a pull that pass by themselves. */
const transient = new Set<Fault['code']>([
  'REGISTRY_FAILED',
  'REGISTRY_LIMIT',
  'REGISTRY_LOGIN',
  'REGISTRY_PROXY',
  'REGISTRY_TLS',
  'REGISTRY_UNREACHABLE',
  'IMAGE_PULL_FAILED',
  'DISK_FULL',
  'ENGINE_UNREACHABLE',
  'ENGINE_TIMEOUT',
])

/** A pull that has not ended, the user's or the plan's own. `fault`: why its last try failed. */
export interface PullUnderWay {
  readonly id: number
  readonly progress?: PullProgress
  readonly fault?: Fault
}

/** What is told of a pull: how it is getting on, and that it has ended, well or badly. */
export type PullEvent =
  | { readonly kind: 'pulling'; readonly pull: PullUnderWay }
  | { readonly kind: 'pull-ended'; readonly id: number }

export interface PullerOptions {
  readonly logger: Logger
  readonly clock: Clock
  /** This machine's, by Go's name. */
  readonly architecture: string
  readonly onEvent: (event: PullEvent) => void
  /** The login for an image's registry, looked up at every try; rejects with an ApplianceError REGISTRY_LOGIN. */
  readonly login?: ((reference: string) => Promise<RegistryLogin | undefined>) | undefined
}

/** Pulls one image at a time, with progress, and again after failures that may pass. */
export class Puller {
  readonly #options: PullerOptions
  readonly #turns = new Serial()
  readonly #succeeded: Alarm
  #pulls = 0

  constructor(options: PullerOptions) {
    this.#options = options
    this.#succeeded = new Alarm(options)
  }

  /**
   * Pulls `reference`, trying `attempts` times where the failure may pass. Tries take turns, so that a user who pulls does
   * not wait for the next try of another pull; and that one goes on at once when theirs succeeds.
   * @throws the last try's ApplianceError, IMAGE_ARCHITECTURE, or the signal's reason
   */
  async pull(
    engine: Engine,
    reference: string,
    { attempts, signal }: { attempts: number; signal: AbortSignal },
  ): Promise<EngineImage> {
    const { logger, onEvent } = this.#options
    const backoff = new Backoff({ initialMilliseconds: 2000, maxMilliseconds: 300_000 })
    this.#pulls += 1
    let pull: PullUnderWay = { id: this.#pulls }
    const tell = (change: Partial<PullUnderWay>) => {
      pull = { ...pull, ...change }
      onEvent({ kind: 'pulling', pull })
    }
    try {
      for (let attempt = 1; ; attempt += 1) {
        const onProgress = (update: PullUpdate) => tell({ progress: { image: reference, ...update, attempt } })
        try {
          return await this.#turns.run(() => this.#try(engine, reference, { signal, onProgress }), signal)
        } catch (error) {
          signal.throwIfAborted()
          const passes = error instanceof ApplianceError && transient.has(error.code)
          if (!passes || attempt >= attempts) throw error
          const wait = Math.max(backoff.next(), retryAfterMilliseconds(error.fault))
          logger.warn({ code: error.code }, `${error.message}; trying again in ${Math.ceil(wait / 1000)} s`)
          tell({ fault: error.fault })
          // Only a success from now on is one of another pull.
          this.#succeeded.clear()
          await this.#succeeded.sleep(wait, signal)
        }
      }
    } finally {
      onEvent({ kind: 'pull-ended', id: pull.id })
    }
  }

  async #try(engine: Engine, reference: string, options: PullOptions): Promise<EngineImage> {
    options.onProgress({ current: 0, total: 0, layers: [] })
    await engine.pull(reference, { ...options, login: await this.#options.login?.(reference) })
    const image = await engine.image(reference, options.signal)
    if (image === undefined) {
      throw new ApplianceError({
        code: 'IMAGE_PULL_FAILED',
        message: `${reference} was pulled, but the engine does not have it`,
        remedy: 'see what the engine logs: journalctl -u podman -u docker',
      })
    }
    const fault = architectureFault(reference, image, this.#options.architecture)
    if (fault !== undefined) throw new ApplianceError(fault)
    this.#succeeded.ring()
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
