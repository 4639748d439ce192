import type { WarningSource } from '../../core/warnings.ts'
import type { Admission } from './admission.ts'
import type { BroadcastTally } from './broadcasts.ts'
import { troubleMilliseconds } from './dependencies.ts'
import type { OtherAppliances } from './other-appliances.ts'
import type { Outcomes } from './outcomes.ts'
import type { Datagram } from './port-listeners.ts'
import type { Relay } from './relay.ts'
import type { SeenDevices } from './seen-devices.ts'

/**
 * What becomes of a datagram from the LAN: each is dropped, answered here because another omada-host asked, or handed to
 * the relay, and ends in exactly one outcome.
 */
export class Intake {
  readonly #parts: {
    readonly admission: Admission
    readonly broadcasts: BroadcastTally
    readonly devices: SeenDevices
    readonly others: OtherAppliances
    readonly outcomes: Outcomes
    readonly relay: Relay
    readonly warnings: WarningSource
  }
  readonly #ratePerSource: number

  constructor(options: {
    admission: Admission
    broadcasts: BroadcastTally
    devices: SeenDevices
    others: OtherAppliances
    outcomes: Outcomes
    relay: Relay
    warnings: WarningSource
    ratePerSource: number
  }) {
    this.#parts = options
    this.#ratePerSource = options.ratePerSource
  }

  /** Takes one datagram. Never throws, whatever the bytes. */
  receive(datagram: Datagram): void {
    const { admission, broadcasts, devices, others, outcomes, relay } = this.#parts
    broadcasts.note(datagram)
    const verdict = admission.judge(datagram)
    switch (verdict.kind) {
      case 'dropped':
        outcomes.add(verdict.outcome)
        if (verdict.outcome === 'rate-limited') this.#warnFlood(datagram.address)
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

  #warnFlood(address: string): void {
    this.#parts.warnings.happened(
      {
        code: 'DISCOVERY_FLOOD',
        message: `${address} sends more than ${this.#ratePerSource} discovery datagrams a second; the rest is dropped`,
        remedy: 'find out why, or raise discovery.ratePerSource if that many devices share this address',
      },
      troubleMilliseconds,
    )
  }
}
