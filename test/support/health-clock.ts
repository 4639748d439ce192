import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'

interface Sleeper {
  readonly at: number
  wake(): void
}

/** A clock that stands still until the test moves it; its wall clock can be set apart from it. */
export class StandingClock implements Clock {
  #now = 0
  #wallOffset = Date.UTC(2026, 0, 1)
  readonly #sleepers = new Set<Sleeper>()

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#now + this.#wallOffset
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason as Error)
      }
      const sleeper: Sleeper = {
        at: this.#now + milliseconds,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      if (signal?.aborted === true) return reject(signal.reason as Error)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
    })
  }

  /** Moves the wall clock alone, as a first time sync does. */
  jumpWall(milliseconds: number): void {
    this.#wallOffset += milliseconds
  }

  /** Moves on, waking the sleepers on the way in their order, each with time to go back to sleep. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await settle()
    for (let steps = 0; steps < 100_000; steps++) {
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      next.wake()
      await settle()
    }
    this.#now = end
  }

  /** Moves on without waking anyone, as when the event loop was blocked meanwhile. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }
}

async function settle(): Promise<void> {
  await turn()
  await turn()
}
