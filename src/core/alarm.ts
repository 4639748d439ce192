import type { Clock } from './clock.ts'

/** Longest time that a timer of Node's takes, in milliseconds: 24 days. */
const longest = 2 ** 31 - 1

/**
 * Sleep until a time or until woken. A ring that nobody sleeps through is kept: the next sleep ends at once, so that what
 * happens while a loop works is not slept over.
 */
export class Alarm {
  readonly #clock: Clock
  #ring = new AbortController()

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
  }

  /** Wakes all who sleep, or else the next one who is about to. */
  ring(): void {
    this.#ring.abort()
  }

  /** Forgets a ring that has woken nobody yet. */
  clear(): void {
    if (this.#ring.signal.aborted) this.#ring = new AbortController()
  }

  /**
   * Resolves with true when it was rung, with false when the time was over, which is after 24 days at the latest.
   * Rejects with the signal's reason.
   */
  async sleep(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const ring = this.#ring
    if (!ring.signal.aborted && milliseconds > 0) {
      const end = AbortSignal.any([signal, ring.signal])
      try {
        await this.#clock.sleep(Math.min(milliseconds, longest), end)
      } catch (error) {
        signal.throwIfAborted()
        if (!ring.signal.aborted) throw error
      }
    }
    if (ring === this.#ring) this.clear()
    return ring.signal.aborted
  }
}
