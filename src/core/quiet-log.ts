import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import { LruMap } from './lru-map.ts'

/**
 * Kinds that are remembered at once: many times those of any log, because one that is evicted is logged anew, and kinds are
 * of our own making, never of what others send.
 */
const maxKinds = 1000

type Level = 'debug' | 'info' | 'warn' | 'error'

interface Said {
  readonly message: string
  readonly at: number
  suppressed: number
}

/**
 * A log that does not repeat itself, by kinds: what goes on is said once (`once`, `over`), and what others can cause at
 * any rate is said at most once in a period (`atMost`).
 */
export class QuietLog {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #periodMilliseconds: number
  readonly #said = new LruMap<string, Said>({ max: maxKinds })

  /** @param options.periodMilliseconds of `atMost`, a minute unless given */
  constructor(options: { logger: Logger; clock: Clock; periodMilliseconds?: number }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#periodMilliseconds = options.periodMilliseconds ?? 60_000
  }

  /** Logs what is the case, and not again until another message of its kind, or until it was over. True when it logged. */
  once(kind: string, message: string, options: { fields?: object; level?: Level } = {}): boolean {
    if (this.#said.get(kind)?.message === message) return false
    this.#log(kind, message, options)
    return true
  }

  /** What `once` said of this kind is over: it is said again when it comes back. True when something had been said. */
  over(kind: string): boolean {
    return this.#said.delete(kind)
  }

  /** Logs at most once in a period and kind; the next line tells how many were left out: `… (7 suppressed)`. */
  atMost(kind: string, message: string, options: { fields?: object; level?: Level } = {}): void {
    const last = this.#said.peek(kind)
    if (last !== undefined && this.#clock.now() - last.at < this.#periodMilliseconds) {
      last.suppressed += 1
      return
    }
    const suppressed = last?.suppressed ?? 0
    this.#log(kind, suppressed === 0 ? message : `${message} (${suppressed} suppressed)`, options)
  }

  #log(kind: string, message: string, { fields = {}, level = 'warn' }: { fields?: object; level?: Level }): void {
    this.#said.set(kind, { message, at: this.#clock.now(), suppressed: 0 })
    this.#logger[level](fields, message)
  }
}
