import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { WarningSource } from '../../core/warnings.ts'
import { NotedPeers } from './noted-peers.ts'
import { type Reach, refusedSet } from './reach.ts'

/** Says whom the container was not let reach, once for each address and port. */
export class RefusedPeers {
  readonly #noted: NotedPeers
  readonly #warnings: WarningSource
  readonly #allowed: () => Pick<Reach, 'egress' | 'listed'>
  /** What was allowed when those that are known were refused. */
  #before = ''

  constructor(options: {
    clock: Clock
    warnings: WarningSource
    allowed: () => Pick<Reach, 'egress' | 'listed'>
  }) {
    this.#noted = new NotedPeers({ clock: options.clock, set: refusedSet })
    this.#warnings = options.warnings
    this.#allowed = options.allowed
  }

  /** @param listing our table as `nft -j list table` says it, parsed */
  seen(listing: unknown): void {
    const { egress, listed } = this.#allowed()
    const allowed = JSON.stringify([egress, listed])
    if (allowed !== this.#before) this.#noted.forget()
    this.#before = allowed
    this.#warnings.set(this.#noted.seen(listing).map(faultOf))
  }
}

/** @param key address, protocol and port of whom it tried to reach */
function faultOf([address, protocol, port]: readonly string[]): Fault & { readonly instance: string } {
  const peer = `${address}:${port} (${protocol?.toUpperCase()})`
  return {
    instance: peer,
    code: 'REACH_REFUSED',
    message: `the controller tried to reach ${peer} by itself, which neither controller.egress nor controller.reach allow`,
    remedy: `if it should, as for mail, RADIUS, syslog or NTP: add "${address}:${port}" to controller.reach and reload (systemctl reload omada-host)`,
  }
}
