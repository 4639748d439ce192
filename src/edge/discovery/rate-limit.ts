import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'

interface Bucket {
  tokens: number
  /** Monotonic milliseconds of the last refill. */
  at: number
}

/** Addresses that are watched at once. One that was pushed out starts again with a full burst. */
const maxSources = 8192

/** A token bucket per source address: `perSecond` on average, bursts of twice that. */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #buckets = new LruMap<string, Bucket>({ max: maxSources })

  constructor(options: { clock: Clock; perSecond: number }) {
    this.#clock = options.clock
    this.#perSecond = options.perSecond
  }

  /** Takes one token; false when the address has none left. */
  admits(address: string): boolean {
    const now = this.#clock.now()
    const burst = 2 * this.#perSecond
    const known = this.#buckets.get(address)
    const bucket = known ?? { tokens: burst, at: now }
    if (known === undefined) this.#buckets.set(address, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
