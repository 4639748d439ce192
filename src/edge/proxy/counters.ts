import { LruMap } from '../../core/lru-map.ts'
import type { ProxyPortState } from '../../ipc/edge-state.ts'
import type { LimitRefusal } from './limits.ts'

/**
 * Why a client was turned away. `client-gone`: its connection ended before it was served. `no-resources`: this process or
 * the machine is out of open files, memory or outgoing ports. `no-certificate`: the waiting room has none for TLS.
 */
export type Refusal =
  | LimitRefusal
  | 'access'
  | 'client-gone'
  | 'no-resources'
  | 'no-certificate'
  | 'upstream-refused'
  | 'upstream-timeout'
  | 'upstream-unreachable'
  | 'upstream-failed'

const noRefusals: Readonly<Record<Refusal, number>> = {
  access: 0,
  'limit-total': 0,
  'limit-source': 0,
  'client-gone': 0,
  'no-resources': 0,
  'no-certificate': 0,
  'upstream-refused': 0,
  'upstream-timeout': 0,
  'upstream-unreachable': 0,
  'upstream-failed': 0,
}

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
  readonly #refused: Record<Refusal, number> = { ...noRefusals }
  readonly #arrivedBy = new LruMap<string, true>({ max: maxInterfaces })

  /** A connection of another machine arrived by this interface, whatever becomes of it. */
  arrived(interfaceName: string): void {
    this.#arrivedBy.set(interfaceName, true)
  }

  refuse(reason: Refusal): void {
    this.#refused[reason] += 1
  }

  snapshot(): Omit<ProxyPortState, 'port' | 'state' | 'reason'> {
    return {
      open: this.open,
      total: this.total,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      refused: { ...this.#refused },
      waitingRoom: this.waitingRoom,
      arrivedBy: [...this.#arrivedBy.entries()].map(([name]) => name),
    }
  }
}
