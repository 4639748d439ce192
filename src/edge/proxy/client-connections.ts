import { plainAddress } from '../../core/cidr.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { Refusal } from './counters.ts'

/** How many refused clients are remembered, over all ports. */
const maxRefused = 4096

/** Which clients are connected to the controller, and which were turned away last. */
export class ClientConnections {
  /** Holds an address only while it is connected, so that the connection limit bounds this table too. */
  readonly #connected = new Map<string, number>()
  readonly #refused = new LruMap<string, Refusal>({ max: maxRefused })

  /** A client reached the controller; what it was refused for before no longer matters. */
  connected(port: number, address: string): void {
    const key = keyOf(port, address)
    this.#connected.set(key, (this.#connected.get(key) ?? 0) + 1)
    this.#refused.delete(key)
  }

  disconnected(port: number, address: string): void {
    const key = keyOf(port, address)
    const open = this.#connected.get(key) ?? 0
    if (open > 1) this.#connected.set(key, open - 1)
    else this.#connected.delete(key)
  }

  refused(port: number, address: string, reason: Refusal): void {
    this.#refused.set(keyOf(port, address), reason)
  }

  /** `open`: connections that reach the controller now. `lastRefusal`: only when none came through since. */
  lookup(port: number, address: string): { open: number; lastRefusal?: Refusal } {
    const key = keyOf(port, address)
    const lastRefusal = this.#refused.peek(key)
    return { open: this.#connected.get(key) ?? 0, ...(lastRefusal === undefined ? {} : { lastRefusal }) }
  }
}

function keyOf(port: number, address: string): string {
  return `${port} ${plainAddress(address)}`
}
