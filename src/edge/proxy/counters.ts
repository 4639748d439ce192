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
    return {
      open: this.open,
      total: this.total,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      refused: Object.fromEntries(this.#refused),
      waitingRoom: this.waitingRoom,
      arrivedBy: [...this.#arrivedBy.entries()].map(([name]) => name),
    }
  }
}
