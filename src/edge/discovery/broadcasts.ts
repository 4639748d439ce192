import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { BroadcastsSeen } from '../../ipc/edge-state.ts'
import type { Routing } from '../../network/routes.ts'
import type { Datagram } from './port-listeners.ts'

/** Interfaces that are remembered at once: those of containers come and go. */
const maxInterfaces = 64

/** By which interfaces broadcasts of other machines have come in: the proof that they can. */
export class BroadcastTally {
  readonly #clock: Clock
  readonly #routing: Pick<Routing, 'isOwn' | 'localAddressTowards'>
  readonly #seen = new LruMap<string, BroadcastsSeen>({ max: maxInterfaces })

  constructor(options: { clock: Clock; routing: Pick<Routing, 'isOwn' | 'localAddressTowards'> }) {
    this.#clock = options.clock
    this.#routing = options.routing
  }

  /** Takes every datagram, whatever becomes of it. Our own broadcasts come back to us and prove nothing. */
  note(datagram: Datagram): void {
    if (datagram.localAddress !== undefined || this.#routing.isOwn(datagram.address)) return
    const by = this.#routing.localAddressTowards(datagram.address)?.interface
    if (by === undefined) return
    const count = (this.#seen.peek(by)?.count ?? 0) + 1
    this.#seen.set(by, { interface: by, count, lastAt: new Date(this.#clock.wall()).toISOString() })
  }

  list(): readonly BroadcastsSeen[] {
    return [...this.#seen.values()]
  }
}
