import type { Clock } from './clock.ts'

/** The life sign of a loop: it promises its next one, and is stuck when that is overdue. */
export class Pulse {
  readonly #clock: Clock
  #dueBy = Number.POSITIVE_INFINITY

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
  }

  /** The loop is alive, and gives its next sign within this many milliseconds. */
  promise(milliseconds: number): void {
    this.#dueBy = this.#clock.now() + milliseconds
  }

  /** When the next sign is due, on the monotonic clock; infinite for a loop that has nothing to do. */
  get dueBy(): number {
    return this.#dueBy
  }
}
