import { plainAddress } from '../../core/cidr.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { ProxyPortState } from '../../ipc/edge-state.ts'

/**
 * Why a client was turned away. `client-gone`: its connection ended before it was served. `no-resources`: this process or
 * the machine is out of open files, memory or outgoing ports. `no-certificate`: the waiting room has none for TLS.
 */
const refusals = [
  'access',
  'limit-total',
  'limit-source',
  'client-gone',
  'no-resources',
  'no-certificate',
  'upstream-refused',
  'upstream-timeout',
  'upstream-unreachable',
  'upstream-failed',
] as const

export type Refusal = (typeof refusals)[number]

/** How many refused clients are remembered, over all ports. */
const maxRefused = 4096
/** Interfaces that are remembered at once: those of containers come and go. */
const maxInterfaces = 64

/**
 * What one port has seen. Every connection in `total` was forwarded, answered by the waiting room, or refused for
 * exactly one reason. Bytes count as they pass.
 */
export class PortCounters {
  open = 0
  total = 0
  bytesIn = 0
  bytesOut = 0
  waitingRoom = 0
  readonly #refused = new Map<Refusal, number>(refusals.map((reason) => [reason, 0]))
  readonly #arrivedBy = new LruMap<string, true>({ max: maxInterfaces })

  /** A connection of another machine arrived by this interface, whatever becomes of it. */
  arrived(interfaceName: string): void {
    this.#arrivedBy.set(interfaceName, true)
  }

  refuse(reason: Refusal): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  snapshot(): Omit<ProxyPortState, 'port' | 'state' | 'reason'> {
    const { open, total, bytesIn, bytesOut, waitingRoom } = this
    const refused = Object.fromEntries(this.#refused)
    return { open, total, bytesIn, bytesOut, refused, waitingRoom, arrivedBy: [...this.#arrivedBy.keys()] }
  }
}

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
