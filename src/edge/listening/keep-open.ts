import { Backoff, type BackoffOptions } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Serial } from '../../core/serial.ts'

/** The delays between tries unless a test gives others: a port that becomes free is open within half a minute. */
const defaultRetry: BackoffOptions = { initialMilliseconds: 1000, maxMilliseconds: 30_000 }

interface KeepOpenOptions {
  /** What is opened, for the log. */
  readonly name: string
  readonly logger: Logger
  readonly clock: Clock
  /** Opens what is not open yet, and returns why the rest is not. Must not reject; never runs twice at a time. */
  readonly open: () => Promise<readonly Fault[]>
  readonly retry?: BackoffOptions | undefined
}

/**
 * Opens what is to listen, and tries what could not be opened again and again, with backoff: a port that another program
 * holds keeps nothing else from serving. Why one cannot be opened is logged once, and again only in other words.
 */
export class KeepOpen {
  readonly #options: KeepOpenOptions
  readonly #backoff: Backoff
  readonly #passes = new Serial()
  readonly #stopping = new AbortController()
  #faults: readonly Fault[] = []
  #retrying: Promise<void> | undefined

  constructor(options: KeepOpenOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.retry ?? defaultRetry)
  }

  /** Why something is not open; empty before the first try and after the last. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  /** Tries now. Resolves when everything is open or is known not to be; never rejects. */
  async tryNow(): Promise<void> {
    await this.#passes.run(() => this.#pass())
  }

  /** Ends the tries. What is open is the owner's to close, and is not touched by a try any more. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#retrying
    await this.#passes.idle()
    this.#faults = []
  }

  async #pass(): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return
    const before = this.#faults
    this.#faults = await this.#options.open()
    this.#tell(before)
    if (this.#faults.length === 0) this.#backoff.reset()
    else if (!signal.aborted) this.#retrying ??= this.#retryLater(signal)
  }

  #tell(before: readonly Fault[]): void {
    const told = new Set(before.map(({ message }) => message))
    for (const { code, message, remedy } of this.#faults) {
      if (!told.has(message)) this.#options.logger.error({ code, remedy }, message)
      told.add(message)
    }
    if (before.length > 0 && this.#faults.length === 0) this.#options.logger.info(`${this.#options.name} is served now`)
  }

  async #retryLater(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#backoff.next(), signal).catch(() => {})
    this.#retrying = undefined
    await this.tryNow()
  }
}
