import type { Clock } from '../../../../src/core/clock.ts'

/** Time that stands still until the test moves it. The wall clock goes along and can be set apart. */
export class FakeClock implements Clock {
  #now = 1_000_000
  #wall = Date.UTC(2026, 0, 2, 3, 4, 5)
  readonly #sleepers = new Set<{ until: number; wake: () => void }>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const sleeper = { until: this.#now + milliseconds, wake: resolve }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper)
        reject(signal.reason as Error)
      })
    })
  }

  /** Sets the wall clock alone. */
  setWall(milliseconds: number): void {
    this.#wall = milliseconds
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    this.#wall += milliseconds
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.until > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}
