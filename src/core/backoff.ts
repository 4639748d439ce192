/**
 * Growing delays between tries: doubles from the first to the last, with up to 20 % taken off at random so that many
 * clients do not come back at once. `reset` after a success; a backoff that never resets turns a blip into an outage.
 */
export class Backoff {
  readonly #initialMilliseconds: number
  readonly #maxMilliseconds: number
  readonly #random: () => number
  #next: number

  constructor(options: { initialMilliseconds: number; maxMilliseconds: number; random?: () => number }) {
    this.#initialMilliseconds = options.initialMilliseconds
    this.#maxMilliseconds = options.maxMilliseconds
    this.#random = options.random ?? Math.random
    this.#next = options.initialMilliseconds
  }

  /** The delay before the next try, in milliseconds. */
  next(): number {
    const base = this.#next
    this.#next = Math.min(this.#maxMilliseconds, base * 2)
    return Math.round(base * (1 - 0.2 * this.#random()))
  }

  reset(): void {
    this.#next = this.#initialMilliseconds
  }
}
