import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { type Fault, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { LruMap } from '../../core/lru-map.ts'
import { Periodic } from '../../core/periodic.ts'
import type { PeerAppliance } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { encodePeerMessage, type PeerMessage } from '../../network/peer-message.ts'
import type { RateLimitedWarnings } from './warnings.ts'

/** How often the others are asked for, in milliseconds. */
const probeEvery = 120_000
/** One that has not been heard of for this long, in milliseconds, has gone: three of its own probes. */
const forgetAfter = 3.5 * probeEvery
/** Others that are remembered at once. */
const maxPeers = 64
/** How many of them a warning names. */
const maxNamed = 3

interface Peer {
  readonly instance: string
  readonly lastSeen: number
  /** Monotonic milliseconds. */
  readonly seenAt: number
}

export interface PeersOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly warnings: RateLimitedWarnings
  /** The networks on which devices are served now. */
  readonly networks: () => readonly BroadcastNetwork[]
  /** Sends from this machine's address on the network to everybody there. @throws the system's error */
  readonly broadcast: (payload: Buffer, network: BroadcastNetwork) => Promise<void>
}

/**
 * Looks for other omada-hosts on the networks of the devices: two of them would both hand every announce to a controller
 * of their own. Asks each network once when it is there and every two minutes, answers who asks, and says when it leaves.
 */
export class Peers implements Component {
  readonly name = 'peers'
  readonly #options: PeersOptions
  readonly #instance = randomUUID()
  readonly #probing: Periodic
  /** By the address that they were heard from. */
  readonly #peers = new LruMap<string, Peer>({ max: maxPeers })
  /** The networks that were there when they were asked last. */
  #asked: ReadonlySet<string> = new Set()

  constructor(options: PeersOptions) {
    this.#options = options
    this.#probing = new Periodic({
      name: this.name,
      logger: options.logger,
      clock: options.clock,
      intervalMilliseconds: probeEvery,
      work: () => this.probe(),
    })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#probing.start(signal)
  }

  /** Tells those who were asked that they need not be warned of this one any more. */
  async stop(): Promise<void> {
    await this.#probing.stop()
    const asked = this.#asked
    this.#asked = new Set()
    const payload = encodePeerMessage({ kind: 'leave', instance: this.#instance })
    for (const network of this.#options.networks()) {
      if (asked.has(keyOf(network))) await this.#broadcast(payload, network)
    }
  }

  /** Asks every network once, or those alone that have come since they were asked. Never rejects. */
  async probe(which: 'all' | 'new' = 'all'): Promise<void> {
    const payload = encodePeerMessage({ kind: 'probe', instance: this.#instance })
    const before = this.#asked
    const networks = this.#options.networks()
    this.#asked = new Set(networks.map(keyOf))
    for (const network of networks) {
      if (which === 'new' && before.has(keyOf(network))) continue
      await this.#broadcast(payload, network)
    }
  }

  async #broadcast(payload: Buffer, network: BroadcastNetwork): Promise<void> {
    try {
      await this.#options.broadcast(payload, network)
    } catch (error) {
      this.#options.logger.debug({ network: network.broadcast }, `could not speak to others: ${messageOf(error)}`)
    }
  }

  /** Takes a message of another machine, or of a program on this one, and returns what it is answered. */
  receive(message: PeerMessage, sender: { readonly address: string; readonly own: boolean }): Buffer | undefined {
    if (message.kind === 'unknown') return undefined
    const { instance } = message
    if (instance === this.#instance) return undefined
    if (message.kind === 'leave') {
      if (this.#peers.peek(sender.address)?.instance === instance) this.#peers.delete(sender.address)
      return undefined
    }
    if (instance !== undefined && !sender.own) this.#heard(instance, sender.address)
    return message.kind === 'probe' ? encodePeerMessage({ kind: 'answer', instance: this.#instance }) : undefined
  }

  /** The others that are here now, the latest heard last. */
  list(): readonly PeerAppliance[] {
    return this.#current().map(([address, { instance, lastSeen }]) => ({
      address,
      instance,
      lastSeen: new Date(lastSeen).toISOString(),
    }))
  }

  warnings(): readonly Fault[] {
    const addresses = this.#current()
      .map(([address]) => address)
      .sort()
    if (addresses.length === 0) return []
    const named = addresses.slice(0, maxNamed).join(', ')
    const more = addresses.length > maxNamed ? ` and ${addresses.length - maxNamed} more` : ''
    return [
      {
        code: 'OTHER_APPLIANCE',
        message: `another omada-host is on the network of the devices, at ${named}${more}: both controllers see every device`,
        remedy: `stop one of them (systemctl disable --now omada-host there), or give each its own networks (access.devices)`,
      },
    ]
  }

  #heard(instance: string, address: string): void {
    const { clock, warnings } = this.#options
    if (this.#peers.peek(address) === undefined) {
      warnings.warn('other-appliance', {
        message: `another omada-host is on the network of the devices, at ${address}`,
      })
    }
    this.#peers.set(address, { instance, lastSeen: clock.wall(), seenAt: clock.now() })
  }

  #current(): readonly (readonly [string, Peer])[] {
    const since = this.#options.clock.now() - forgetAfter
    for (const [address, { seenAt }] of this.#peers.entries()) if (seenAt < since) this.#peers.delete(address)
    return [...this.#peers.entries()]
  }
}

function keyOf({ interface: name, address, broadcast }: BroadcastNetwork): string {
  return `${name} ${address} ${broadcast}`
}
