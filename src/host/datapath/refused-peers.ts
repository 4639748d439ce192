import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { WarningSource } from '../../core/warnings.ts'
import { isObject, ownValue } from '../../omada/frame.ts'
import { type Reach, refusedSet } from './reach.ts'

/** How long it is said after the container's last try, in milliseconds: as long as the kernel remembers it. */
const toldMilliseconds = 3_600_000

/** Says whom the container was not let reach, once for each address and port. */
export class RefusedPeers {
  readonly #clock: Clock
  readonly #warnings: WarningSource
  readonly #allowed: () => Pick<Reach, 'egress' | 'listed'>
  /** What was allowed when those that are known were refused. */
  #before = ''
  /** By address, protocol and port: the kernel's count, and when it last grew, in monotonic milliseconds. */
  readonly #known = new Map<string, { packets: number; at: number }>()

  constructor(options: {
    clock: Clock
    warnings: WarningSource
    allowed: () => Pick<Reach, 'egress' | 'listed'>
  }) {
    this.#clock = options.clock
    this.#warnings = options.warnings
    this.#allowed = options.allowed
  }

  /** @param listing our table as `nft -j list table` says it, parsed */
  seen(listing: unknown): void {
    const now = this.#clock.now()
    const { egress, listed } = this.#allowed()
    const allowed = JSON.stringify([egress, listed])
    if (allowed !== this.#before) this.#known.clear()
    this.#before = allowed
    for (const [peer, packets] of refusedIn(listing)) {
      if (this.#known.get(peer)?.packets !== packets) this.#known.set(peer, { packets, at: now })
    }
    for (const [peer, { at }] of this.#known) if (now - at > toldMilliseconds) this.#known.delete(peer)
    this.#warnings.set([...this.#known.keys()].map((peer) => ({ instance: peer, ...faultOf(peer) })))
  }
}

/** `192.0.2.1:25 (TCP)` and how many packets for it were refused. */
function refusedIn(listing: unknown): readonly (readonly [string, number])[] {
  const objects = isObject(listing) ? ownValue(listing, 'nftables') : undefined
  const sets = (Array.isArray(objects) ? objects.filter(isObject) : []).map((object) => ownValue(object, 'set'))
  const set = sets.filter(isObject).find((one) => ownValue(one, 'name') === refusedSet)
  const elements = set === undefined ? undefined : ownValue(set, 'elem')
  return (Array.isArray(elements) ? elements.filter(isObject) : []).flatMap(({ elem }) => {
    if (!isObject(elem) || !isObject(elem.val) || !Array.isArray(elem.val.concat)) return []
    const [address, protocol, port] = elem.val.concat.map(String)
    const packets = isObject(elem.counter) ? Number(elem.counter.packets) : 0
    return [[`${address}:${port} (${protocol?.toUpperCase()})`, packets] as const]
  })
}

function faultOf(peer: string): Fault {
  const [listed = ''] = peer.split(' ')
  return {
    code: 'REACH_REFUSED',
    message: `the controller tried to reach ${peer} by itself, which neither controller.egress nor controller.reach allow`,
    remedy: `if it should, as for mail, RADIUS, syslog or NTP: add "${listed}" to controller.reach and reload (systemctl reload omada-host)`,
  }
}
