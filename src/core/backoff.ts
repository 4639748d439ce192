/**
 * Growing delays between tries: doubles from `initial` to `max`, with up to 20 % taken off at random so that many
 * clients do not come back at once. `reset` after a success; a backoff that never resets turns a blip into an outage.
 */
export class Backoff {
  readonly #initial: number
  readonly #max: number
  readonly #random: () => number
  #next: number

  /** Delays are in milliseconds. */
  constructor(options: { initial: number; max: number; random?: () => number }) {
    this.#initial = options.initial
    this.#max = options.max
    this.#random = options.random ?? Math.random
    this.#next = options.initial
  }

  /** The delay before the next try, in milliseconds. */
  next(): number {
    const base = this.#next
    this.#next = Math.min(this.#max, base * 2)
    return Math.round(base * (1 - 0.2 * this.#random()))
  }

  reset(): void {
    this.#next = this.#initial
  }
}
