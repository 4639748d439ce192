import { createTask, type ScheduledTask } from 'node-cron'
import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import { Alarm } from '../../core/alarm.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { toFault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ImageCheck } from '../../ipc/host-state.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import { newerTags } from './newer-tags.ts'
import { remoteDigests, remoteTags } from './skopeo.ts'

/** How often wall clock and monotonic clock are compared, and how far they may part, in milliseconds. */
const clockCheckEvery = 10_000
const clockTolerance = 30_000
/** A timer may fire early; then the same minute would be next once more. In milliseconds. */
const afterMinute = 20

/**
 * Looks by schedule whether the configured tag points to a newer image and whether there are newer tags of its minor
 * version. Only tells; changes nothing. The schedule is by the wall clock. node-cron says when the next time is, and its task
 * is never started: at its first tick after a clock jumped ahead, as on a machine without a real-time clock at its first
 * time sync, it walks every missed one, and after a jump back it never ticks again.
 */
export class ImageCheckJob implements Component {
  readonly name = 'image-check'
  readonly #config: HostConfig
  readonly #live: () => LiveConfig
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #currentDigest: () => string | undefined
  readonly #onResult: (check: ImageCheck) => void
  readonly #architecture: string
  readonly #stopping = new AbortController()
  #task: ScheduledTask | undefined
  /** When the next check is due, by the monotonic clock. */
  #dueAt = 0
  readonly #changed: Alarm
  #following: Promise<void> | undefined
  #checking: Promise<void> | undefined
  #latest: { readonly check: ImageCheck; readonly digest: string | undefined } | undefined

  /** `currentDigest` is of the image in use, `sha256:…`. */
  constructor(options: {
    config: HostConfig
    live: () => LiveConfig
    logger: Logger
    clock: Clock
    currentDigest: () => string | undefined
    onResult: (check: ImageCheck) => void
    architecture?: string
  }) {
    this.#config = options.config
    this.#live = options.live
    this.#logger = options.logger
    this.#clock = options.clock
    this.#changed = new Alarm(options)
    this.#currentDigest = options.currentDigest
    this.#onResult = options.onResult
    this.#architecture = options.architecture ?? (process.arch === 'x64' ? 'amd64' : process.arch)
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#schedule()
    this.#following = this.#follow()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#task?.destroy()
    await this.#following
    await this.#checking
  }

  /** Goes by images.checkSchedule as it is now; before the start there is nothing to change. */
  async reschedule(): Promise<void> {
    if (this.#following === undefined || this.#stopping.signal.aborted) return
    const former = this.#task
    this.#schedule()
    this.#changed.ring()
    await former?.destroy()
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

  #schedule(): void {
    this.#task = createTask(this.#live().images.checkSchedule, () => {}, { name: this.name })
    this.#plan()
  }

  #plan(): void {
    const next = this.#task?.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY
    this.#dueAt = this.#clock.now() + Math.max(0, next - Date.now()) + afterMinute
  }

  async #tick(): Promise<void> {
    this.#checking ??= this.#checkAndTell().finally(() => {
      this.#checking = undefined
    })
    await this.#checking
  }

  async #checkAndTell(): Promise<void> {
    const { signal } = this.#stopping
    try {
      const result = await this.check(signal)
      this.#latest = { check: result, digest: this.#currentDigest() }
      if (result.fault !== undefined) this.#logger.warn({ code: result.fault.code }, result.fault.message)
      if (result.newDigest !== undefined) this.#logger.info(`a newer ${this.#config.controller.image} is there`)
      this.#onResult(result)
    } catch (error) {
      if (!signal.aborted) this.#logger.error({ err: error }, 'the image check failed')
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    let apart = this.#clock.wall() - this.#clock.now()
    while (!signal.aborted) {
      const wait = Math.min(clockCheckEvery, Math.max(0, this.#dueAt - this.#clock.now()))
      await this.#changed.sleep(wait, signal).catch(() => {})
      if (signal.aborted) return
      const now = this.#clock.wall() - this.#clock.now()
      if (Math.abs(now - apart) >= clockTolerance) {
        const seconds = Math.round((now - apart) / 1000)
        this.#logger.info(`the wall clock moved by ${seconds} s: scheduling the image check anew`)
        apart = now
        this.#plan()
      } else if (this.#clock.now() >= this.#dueAt) {
        void this.#tick()
        this.#plan()
      }
    }
  }
}
