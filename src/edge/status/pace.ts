import { setTimeout } from 'node:timers/promises'
import { LruMap } from '../../core/lru-map.ts'

/** What one client gets, in bytes a millisecond: 10 MB a second, a page of hundreds of devices twenty times a second. */
const bytesPerMillisecond = 10_000
/** The longest wait before an answer, in milliseconds. */
const longestMilliseconds = 2000
/** Clients that are remembered at once. */
const maxSources = 1024

/**
 * Keeps each client that asks in a loop to a rate: to hand megabytes to the kernel takes time of this process, in which it
 * forwards nothing.
 */
export class Pace {
  /** When what a client got is behind it, in monotonic milliseconds. */
  readonly #paidAt = new LruMap<string, number>({ max: maxSources })

  /** Resolves when this client may have another answer. */
  async wait(source: string): Promise<void> {
    const milliseconds = Math.min(longestMilliseconds, (this.#paidAt.peek(source) ?? 0) - performance.now())
    if (milliseconds > 0) await setTimeout(milliseconds, undefined, { ref: false })
  }

  /** This is sent to the client now. */
  sent(source: string, payload: unknown): void {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return
    const now = performance.now()
    this.#paidAt.set(source, Math.max(now, this.#paidAt.peek(source) ?? 0) + payload.length / bytesPerMillisecond)
  }
}
