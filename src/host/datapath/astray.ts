import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { WarningSource } from '../../core/warnings.ts'
import { astraySet } from './fence.ts'
import { NotedPeers } from './noted-peers.ts'

const maxNamed = 3

const instance = 'fence'

/**
 * Says which machines ask for the controller at the container's own address. They come by here only where this machine is
 * their gateway, so that silence proves nothing.
 */
export class Astray {
  readonly #noted: NotedPeers
  readonly #warnings: WarningSource

  constructor(options: { clock: Clock; warnings: WarningSource }) {
    this.#noted = new NotedPeers({ clock: options.clock, set: astraySet })
    this.#warnings = options.warnings
  }

  /** @param listing our table as `nft -j list table` says it, parsed */
  seen(listing: unknown): void {
    const asked = this.#noted.seen(listing)
    const machines = [...new Set(asked.map(([address = '']) => address))]
    const ports = [...new Set(asked.map(([, port = '']) => port))]
    if (machines.length === 0) this.#warnings.clear(instance)
    else this.#warnings.raise(instance, faultOf(machines, ports))
  }
}

function faultOf(machines: readonly string[], ports: readonly string[]): Fault {
  const named = machines.slice(0, maxNamed).join(', ')
  const more = machines.length - maxNamed
  return {
    code: 'DEVICES_ASTRAY',
    message: `${named}${more > 0 ? ` and ${more} more` : ''} asked for the controller at the container's own address (TCP ${ports.join(', ')}), which only this machine reaches: the controller seems to tell devices or guests that address`,
    remedy:
      'set Device Management Host and Portal Host in the controller (Global View > Settings > Controller Settings) to the address of this machine on their network; whoever is no device or guest of yours tried to get past the proxies, and was kept out',
  }
}
