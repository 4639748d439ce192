import { type Clock, isoTime } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { BroadcastsSeen } from '../../ipc/edge-state.ts'
import type { Routing } from '../../network/routes.ts'
import type { Admission } from './admission.ts'
import { troubleMilliseconds } from './dependencies.ts'
import type { OtherAppliances } from './other-appliances.ts'
import type { Outcomes } from './outcomes.ts'
import type { Datagram } from './port-listeners.ts'
import type { Relay } from './relay.ts'
import type { SeenDevices } from './seen-devices.ts'

interface IntakeOptions {
  readonly admission: Admission
  readonly broadcasts: BroadcastTally
  readonly devices: SeenDevices
  readonly others: OtherAppliances
  readonly outcomes: Outcomes
  readonly relay: Relay
  readonly warnings: WarningSource
  /** `discovery.ratePerSource`. */
  readonly ratePerSource: number
}

/**
 * What becomes of a datagram from the LAN: each is dropped, answered here because another omada-host asked, or handed to
 * the relay, and ends in exactly one outcome.
 * @returns takes one datagram; never throws, whatever the bytes
 */
export function intakeOf(options: IntakeOptions): (datagram: Datagram) => void {
  const { admission, broadcasts, devices, others, outcomes, ratePerSource, relay, warnings } = options
  const warnFlood = (address: string) =>
    warnings.happened(
      {
        code: 'DISCOVERY_FLOOD',
        message: `${address} sends more than ${ratePerSource} discovery datagrams a second; the rest is dropped`,
        remedy: 'find out why, or raise discovery.ratePerSource if that many devices share this address',
      },
      troubleMilliseconds,
    )
  return (datagram) => {
    broadcasts.note(datagram)
    const verdict = admission.judge(datagram)
    switch (verdict.kind) {
      case 'dropped':
        outcomes.add(verdict.outcome)
        if (verdict.outcome === 'rate-limited') warnFlood(datagram.address)
        return
      case 'appliance':
        outcomes.add('peer-probe')
        void others.hear(verdict.message, datagram)
        return
      case 'announce':
        devices.announced(verdict.announce, datagram.address)
        relay.forward(datagram, verdict.announce.mac)
        return
      case 'other':
        relay.forward(datagram)
    }
  }
}

/** Interfaces that are remembered at once: those of containers come and go. */
const maxInterfaces = 64

/** By which interfaces broadcasts of other machines have come in: the proof that they can. */
export class BroadcastTally {
  readonly #options: { readonly clock: Clock; readonly routing: Pick<Routing, 'isOwn' | 'localAddressTowards'> }
  readonly #seen = new LruMap<string, BroadcastsSeen>({ max: maxInterfaces })

  constructor(options: { clock: Clock; routing: Pick<Routing, 'isOwn' | 'localAddressTowards'> }) {
    this.#options = options
  }

  /** Takes every datagram, whatever becomes of it. Our own broadcasts come back to us and prove nothing. */
  note(datagram: Datagram): void {
    const { clock, routing } = this.#options
    if (datagram.localAddress !== undefined || routing.isOwn(datagram.address)) return
    const by = routing.localAddressTowards(datagram.address)?.interface
    if (by === undefined) return
    const count = (this.#seen.peek(by)?.count ?? 0) + 1
    this.#seen.set(by, { interface: by, count, lastAt: isoTime(clock) })
  }

  list(): readonly BroadcastsSeen[] {
    return [...this.#seen.values()]
  }
}
