import type { Socket } from 'node:dgram'
import { readAnnouncement } from '../protocol/announce.ts'
import { decodeDatagram, encodeFrame } from '../protocol/frame.ts'
import { type Message, messageType } from '../protocol/messages.ts'
import type { Faults } from './faults.ts'
import { bindUdp, sendUdp } from './listeners.ts'
import type { Log } from './log.ts'
import type { DeviceRegistry } from './registry.ts'
import type { Settings } from './settings.ts'

/** The controller drops an announce older than this. Source: o-device-emulator doc/spec/04-wire-protocol.md, 4.7. */
const staleMilliseconds = 20_000
const maxCountedMacs = 65_536

/**
 * Datagrams on 29810, by what became of them: received = accepted + malformed + stale. Among all that are well-formed,
 * `repeated` are those whose time is not after the one before of the same MAC: copies, or out of order.
 */
export interface DiscoveryCounts {
  received: number
  accepted: number
  malformed: number
  stale: number
  repeated: number
  preAdoptsSent: number
}

/** UDP 29810: keeps the pending table and answers the next announce of a device that is to be adopted. */
export class DiscoveryServer {
  readonly #settings: Settings
  readonly #registry: DeviceRegistry
  readonly #log: Log
  readonly #faults: () => Faults
  readonly #adoptPort: () => number
  readonly #isSilent: () => boolean
  readonly #byMac = new Map<string, { count: number; lastTime: number }>()
  readonly counts: DiscoveryCounts = { received: 0, accepted: 0, malformed: 0, stale: 0, repeated: 0, preAdoptsSent: 0 }
  #socket: Socket | undefined
  #port: number | undefined

  constructor(o: {
    settings: Settings
    registry: DeviceRegistry
    log: Log
    faults: () => Faults
    adoptPort: () => number
    isSilent: () => boolean
  }) {
    this.#settings = o.settings
    this.#registry = o.registry
    this.#log = o.log
    this.#faults = o.faults
    this.#adoptPort = o.adoptPort
    this.#isSilent = o.isSilent
  }

  /** Well-formed datagrams from a MAC, duplicates and stale ones included. */
  datagramsFrom(mac: string): number {
    return this.#byMac.get(mac)?.count ?? 0
  }

  /** The same for every MAC. */
  byMac(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#byMac].map(([mac, { count }]) => [mac, count]))
  }

  /** Resolves with the port; a second start after a stop takes the same one. */
  async start(): Promise<number> {
    const { socket, port } = await bindUdp({
      port: this.#port ?? this.#settings.ports.discovery,
      bind: this.#settings.bind,
      receive: (datagram, from, receiver) => this.#receive(datagram, from, receiver),
    })
    this.#socket = socket
    this.#port = port
    return port
  }

  stop(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  #receive(datagram: Buffer, from: { address: string; port: number }, socket: Socket): void {
    if (this.#isSilent()) return
    this.counts.received++
    const message = decodeDatagram(datagram)
    const seen = message?.header.type === messageType.discovery ? readAnnouncement(message) : undefined
    if (message === undefined || seen === undefined) {
      this.counts.malformed++
      return
    }
    const { mac, timestamp } = message.header
    this.#count(mac, timestamp ?? 0)
    if (timestamp === undefined || Date.now() - timestamp > staleMilliseconds) {
      this.counts.stale++
      this.#log.server(
        'WARN',
        'c.t.s.o.d.g.a',
        `overdue discovery of device ${mac} is dropped`,
        'discovery-work-group-0',
      )
      return
    }
    this.counts.accepted++
    const { address, ...identity } = seen
    const answer = this.#registry.announced({ mac, ...identity, announcedAddress: address, source: from })
    if (answer) this.#sendPreAdopt(message, from, socket)
  }

  #count(mac: string, time: number): void {
    const known = this.#byMac.get(mac)
    if (known === undefined) {
      if (this.#byMac.size < maxCountedMacs) this.#byMac.set(mac, { count: 1, lastTime: time })
      return
    }
    known.count++
    if (time <= known.lastTime) this.counts.repeated++
    else known.lastTime = time
  }

  /** To the source of the datagram. The real body has adoptPort alone; a named address is for testing its rewriting. */
  #sendPreAdopt(announce: Message, to: { address: string; port: number }, socket: Socket): void {
    const { mac, device, version } = announce.header
    const named = this.#faults().nameAddress ? { ip: this.#settings.address } : {}
    const frame = encodeFrame({
      header: {
        type: messageType.preAdoptRequest,
        mac,
        device,
        ...(version === undefined ? {} : { version }),
        timestamp: Date.now(),
        error: 0,
        dest: this.#settings.omadacId,
        ...named,
      },
      body: { adoptPort: this.#adoptPort(), ...named },
    })
    this.counts.preAdoptsSent++
    this.#log.server(
      'INFO',
      'c.t.s.o.d.g.a',
      `pre-adopt device ${mac} at ${to.address}:${to.port}`,
      'discovery-work-group-0',
    )
    sendUdp(socket, frame, to)
  }
}
