import { hash } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { Datagram } from './port-listeners.ts'

/** Datagrams that are remembered at once. Twins follow each other within milliseconds, so that none is pushed out before. */
const maxRemembered = 16_384

/**
 * Recognises the second copy of a datagram: a device sends each announce to 255.255.255.255 and to the subnet's broadcast
 * address, and three more announces during an adoption abort it (#561 of the image's repository).
 */
export class Duplicates {
  readonly #clock: Clock
  readonly #windowMilliseconds: number
  /** When the first copy passed, in monotonic milliseconds. */
  readonly #passedAt = new LruMap<string, number>({ max: maxRemembered })

  /** `windowMilliseconds` 0: nothing is a duplicate. */
  constructor(options: { clock: Clock; windowMilliseconds: number }) {
    this.#clock = options.clock
    this.#windowMilliseconds = options.windowMilliseconds
  }

  /** Identifies a datagram by its sender, its discovery port and its bytes. A digest: nobody can make two that collide. */
  keyOf(datagram: Datagram): string {
    const digest = hash('sha256', datagram.payload, 'base64')
    return `${datagram.address} ${datagram.port} ${datagram.discoveryPort} ${digest}`
  }

  /** True within the window after `remember`. A copy does not extend the window: a device may well repeat itself later. */
  has(key: string): boolean {
    const passedAt = this.#passedAt.peek(key)
    return passedAt !== undefined && this.#clock.now() - passedAt < this.#windowMilliseconds
  }

  remember(key: string): void {
    if (this.#windowMilliseconds === 0) return
    const now = this.#clock.now()
    for (const [known, passedAt] of this.#passedAt.entries()) {
      if (now - passedAt < this.#windowMilliseconds) break
      this.#passedAt.delete(known)
    }
    this.#passedAt.set(key, now)
  }

  /** How many are remembered: those that passed within the window before the last of them. */
  get size(): number {
    return this.#passedAt.size
  }
}
