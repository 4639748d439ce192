import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component, Loop } from '../../core/component.ts'
import { cronJob } from '../../core/cron-job.ts'
import { toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ImageCheck } from '../../ipc/host-state.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import { newerTags } from './newer-tags.ts'
import { remoteDigests, remoteTags } from './skopeo.ts'

/**
 * Looks by schedule whether the configured tag points to a newer image and whether there are newer tags of its minor
 * version. Only tells; changes nothing.
 */
export class ImageCheckJob implements Component {
  readonly name = 'image-check'
  readonly #config: HostConfig
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #currentDigest: () => string | undefined
  readonly #onResult: (check: ImageCheck) => void
  readonly #architecture: string
  readonly #job: Loop
  #latest: { readonly check: ImageCheck; readonly digest: string | undefined } | undefined

  /** `currentDigest` is of the image in use, `sha256:…`; `architecture` this machine's, by Go's name. */
  constructor(options: {
    config: HostConfig
    live: () => LiveConfig
    logger: Logger
    clock: Clock
    currentDigest: () => string | undefined
    onResult: (check: ImageCheck) => void
    architecture: string
  }) {
    this.#config = options.config
    this.#logger = options.logger
    this.#clock = options.clock
    this.#currentDigest = options.currentDigest
    this.#onResult = options.onResult
    this.#architecture = options.architecture
    this.#job = cronJob({
      ...options,
      name: 'the image check',
      schedule: () => options.live().images.checkSchedule,
      work: (signal) => this.#checkAndTell(signal),
    })
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#job.start(signal)
  }

  stop(): Promise<void> {
    return this.#job.stop()
  }

  /** What the last check found, but no newer image of the tag when another one than then is in use now. */
  latest(): ImageCheck | undefined {
    if (this.#latest === undefined || this.#latest.digest === this.#currentDigest()) return this.#latest?.check
    const { newDigest: _, ...rest } = this.#latest.check
    return rest
  }

  /** Looks now. A registry that does not answer is a fault in the result. */
  async check(signal: AbortSignal): Promise<ImageCheck> {
    const checkedAt = new Date(this.#clock.wall()).toISOString()
    const reference = parseImageReference(this.#config.controller.image)
    if (reference?.tag === undefined) return { checkedAt, newerTags: [] }
    const repository = `${reference.registry}/${reference.repository}`
    try {
      const digests = await remoteDigests(`${repository}:${reference.tag}`, this.#architecture, signal)
      const tags = newerTags(reference.tag, await remoteTags(repository, signal))
      const current = reference.digest ?? this.#currentDigest()
      const moved = current !== undefined && !digests.includes(current)
      return { checkedAt, newerTags: tags, ...(moved ? { newDigest: digests[0] } : {}) }
    } catch (error) {
      signal.throwIfAborted()
      return { checkedAt, newerTags: [], fault: toFault(error) }
    }
  }

  async #checkAndTell(signal: AbortSignal): Promise<void> {
    const result = await this.check(signal)
    this.#latest = { check: result, digest: this.#currentDigest() }
    if (result.fault !== undefined) this.#logger.warn({ code: result.fault.code }, result.fault.message)
    if (result.newDigest !== undefined) this.#logger.info(`a newer ${this.#config.controller.image} is there`)
    this.#onResult(result)
  }
}
