/** How a backoff grows. `random` gives 0 to 1, as Math.random does. */
export interface BackoffOptions {
  readonly initialMilliseconds: number
  readonly maxMilliseconds: number
  readonly random?: () => number
}

/**
 * The delay before the next try after `failures` delays before it, in milliseconds: doubles from the first to the last,
 * with up to 20 % taken off at random so that many clients do not come back at once.
 */
export function backoffDelay(failures: number, options: BackoffOptions): number {
  const { initialMilliseconds, maxMilliseconds, random = Math.random } = options
  const base = Math.min(maxMilliseconds, initialMilliseconds * 2 ** failures)
  return Math.round(base * (1 - 0.2 * random()))
}

/** Counts the failures for `backoffDelay`. `reset` after a success; a backoff that never resets turns a blip into an outage. */
export class Backoff {
  readonly #options: BackoffOptions
  #failures = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** The delay before the next try, in milliseconds. */
  next(): number {
    const delay = backoffDelay(this.#failures, this.#options)
    this.#failures += 1
    return delay
  }

  reset(): void {
    this.#failures = 0
  }
}
