import { randomUUID } from 'node:crypto'
import { isoTime } from '../../core/clock.ts'
import type { Component, Loop } from '../../core/component.ts'
import { messageOf } from '../../core/errors.ts'
import { LruMap } from '../../core/lru-map.ts'
import { periodic } from '../../core/periodic.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { PeerAppliance } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { encodePeerMessage, type PeerMessage } from '../../network/peer-message.ts'
import type { Routing } from '../../network/routes.ts'
import type { DiscoveryOptions } from './dependencies.ts'
import type { Exits } from './listeners.ts'
import type { Datagram } from './port-listeners.ts'

/** How often the others are asked for. */
const probeMilliseconds = 120_000
/** One that has not been heard of for this long has gone: three of its own probes. */
const forgetMilliseconds = 3.5 * probeMilliseconds
/** Others that are remembered at once. */
const maxOthers = 64
/** How many of them a warning names. */
const maxNamed = 3

const code = 'OTHER_APPLIANCE'

interface Other extends PeerAppliance {
  /** Monotonic milliseconds. */
  readonly seenAt: number
}

interface OtherAppliancesOptions extends Pick<DiscoveryOptions, 'logger' | 'clock'> {
  readonly warnings: WarningSource
  readonly routing: Pick<Routing, 'isOwn'>
  readonly exits: Exits
  /** The networks on which devices are served now. */
  readonly networks: () => readonly BroadcastNetwork[]
}

/**
 * Looks for other omada-hosts on the networks of the devices: two of them would both hand every announce to a controller
 * of their own. Asks each network once when it is there and every two minutes, answers who asks, and says when it leaves.
 */
export class OtherAppliances implements Component {
  readonly name = 'other-appliances'
  readonly #options: OtherAppliancesOptions
  readonly #instance = randomUUID()
  readonly #probing: Loop
  /** By the address that they were heard from. */
  readonly #others = new LruMap<string, Other>({ max: maxOthers })
  /** The networks that were there when they were asked last. */
  #asked: ReadonlySet<string> = new Set()

  constructor(options: OtherAppliancesOptions) {
    this.#options = options
    const work = () => this.probe()
    this.#probing = periodic({ ...options, name: this.name, intervalMilliseconds: probeMilliseconds, work })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#probing.start(signal)
  }

  /** Tells those who were asked that they need not be warned of this one any more. */
  async stop(): Promise<void> {
    await this.#probing.stop()
    const asked = this.#asked
    this.#asked = new Set()
    const networks = this.#options.networks()
    const told = networks.filter((network) => asked.has(keyOf(network)))
    await this.#broadcast('leave', told)
  }

  /** Asks every network once, or those alone that have come since they were asked. Never rejects. */
  async probe(which: 'all' | 'new' = 'all'): Promise<void> {
    const before = this.#asked
    const networks = this.#options.networks()
    this.#asked = new Set(networks.map(keyOf))
    const asked = networks.filter((network) => which === 'all' || !before.has(keyOf(network)))
    await this.#broadcast('probe', asked)
  }

  async #broadcast(kind: 'probe' | 'leave', networks: readonly BroadcastNetwork[]): Promise<void> {
    const { exits, logger } = this.#options
    const payload = encodePeerMessage({ kind, instance: this.#instance })
    for (const network of networks) {
      try {
        await exits.broadcast(payload, network)
      } catch (error) {
        logger.debug({ network: network.broadcast }, `could not speak to others: ${messageOf(error)}`)
      }
    }
  }

  /** Takes what another machine says, or a program on this one, and answers it. Never rejects. */
  async hear(message: PeerMessage, datagram: Datagram): Promise<void> {
    if (!this.#note(message, datagram.address) || message.kind !== 'probe') return
    const answer = encodePeerMessage({ kind: 'answer', instance: this.#instance })
    try {
      await this.#options.exits.towards(datagram)?.send(answer, datagram.port, datagram.address)
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'another omada-host could not be answered')
    }
  }

  /** False when the message is our own, or one that is not understood. */
  #note(message: PeerMessage, address: string): boolean {
    if (message.kind === 'unknown' || message.instance === this.#instance) return false
    const { kind, instance } = message
    const { clock, routing } = this.#options
    if (kind === 'leave') {
      if (this.#others.peek(address)?.instance === instance) this.#others.delete(address)
    } else if (instance !== undefined && !routing.isOwn(address))
      this.#others.set(address, { address, instance, lastSeen: isoTime(clock), seenAt: clock.now() })
    this.tell()
    return true
  }

  /** The others that are here now, the latest heard last. */
  list(): readonly PeerAppliance[] {
    return [...this.#current().values()].map(({ seenAt: _, ...peer }) => peer)
  }

  /** Warns of those that are here now, or says that nobody is. To be called now and then: who is silent has gone. */
  tell(): void {
    const { warnings } = this.#options
    const addresses = [...this.#current().keys()].sort()
    if (addresses.length === 0) {
      warnings.clear(code, 'no other omada-host is on the network of the devices any more')
      return
    }
    const named = addresses.slice(0, maxNamed).join(', ')
    const more = addresses.length > maxNamed ? ` and ${addresses.length - maxNamed} more` : ''
    warnings.raise(code, {
      code,
      message: `another omada-host is on the network of the devices, at ${named}${more}: both controllers see every device`,
      remedy: `stop one of them (systemctl disable --now omada-host there), or give each its own networks (access.devices)`,
    })
  }

  /** Those that are here now, after the silent ones have been forgotten. */
  #current(): LruMap<string, Other> {
    const since = this.#options.clock.now() - forgetMilliseconds
    for (const [address, { seenAt }] of this.#others) if (seenAt < since) this.#others.delete(address)
    return this.#others
  }
}

function keyOf({ interface: name, address, broadcast }: BroadcastNetwork): string {
  return `${name} ${address} ${broadcast}`
}
