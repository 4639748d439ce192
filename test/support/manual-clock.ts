import type { Clock } from '../../src/core/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** A clock that moves only when told to. `wall` moves along, and jumps by `jump`. */
export class ManualClock implements Clock {
  #now = 1_000_000
  #wall = Date.UTC(2026, 0, 1)
  readonly #sleepers = new Set<Sleeper>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  jump(milliseconds: number): void {
    this.#wall += milliseconds
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    this.#wall += milliseconds
    for (const sleeper of [...this.#sleepers]) if (sleeper.until <= this.#now) sleeper.wake()
  }

  /** Whether anybody sleeps on it. */
  get sleeping(): boolean {
    return this.#sleepers.size > 0
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { until: this.#now + milliseconds, wake: resolve }
    const onAbort = () => reject(signal?.reason as Error)
    this.#sleepers.add(sleeper)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      this.#sleepers.delete(sleeper)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Lets everything run, moving on by `step` milliseconds a round, until `condition` holds. Throws when it never does. */
  async until(condition: () => boolean, step = 0): Promise<void> {
    for (let round = 0; round < 5000; round += 1) {
      if (condition()) return
      await new Promise((resolve) => setImmediate(resolve))
      this.advance(step)
    }
    throw new Error('the condition never held')
  }
}
