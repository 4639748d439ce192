import { hash } from 'node:crypto'
import { type Ipv4Network, ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import { type PeerMessage, parsePeerMessage } from '../../network/peer-message.ts'
import { type Announce, parseAnnounce } from '../../omada/announce.ts'
import { decodeFrame } from '../../omada/frame.ts'
import { discoveryPort } from '../../omada/ports.ts'
import type { DiscoveryOptions } from './dependencies.ts'
import type { RequestOutcome } from './outcomes.ts'
import type { Datagram } from './port-listeners.ts'

/**
 * The longest datagram that is relayed, in bytes. A frame's JSON has at most 2000 bytes; the rest is slack for what later
 * firmware, or the app on 27001 whose payload is not known, may send.
 */
export const maxDatagramBytes = 8192

/** Datagrams that are remembered at once. Twins follow each other within milliseconds, so that none is pushed out before. */
const maxRemembered = 16_384
/** Addresses whose rate is watched at once. One that was pushed out starts again with a full burst. */
const maxSources = 8192

/** What a datagram is: why it is dropped, what another omada-host says, a device that announces itself, or anything else. */
export type Verdict =
  | { readonly kind: 'dropped'; readonly outcome: RequestOutcome }
  | { readonly kind: 'appliance'; readonly message: PeerMessage }
  | { readonly kind: 'announce'; readonly announce: Announce }
  | { readonly kind: 'other' }

const other: Verdict = { kind: 'other' }

interface AdmissionOptions extends Omit<DiscoveryOptions, 'logger'> {
  /** Whether one of our own sockets has this local port. */
  readonly isOwnPort: (port: number) => boolean
}

/** Decides which datagrams from the LAN may pass, cheapest question first, and what they are. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #duplicates: Duplicates
  readonly #admitsOneMore: (address: string) => boolean
  #containerNetwork: { readonly subnet: string; readonly network: Ipv4Network | undefined } | undefined

  constructor(options: AdmissionOptions) {
    const { clock, config } = options
    this.#options = options
    this.#duplicates = new Duplicates({ clock, windowMilliseconds: config.discovery.duplicateWindowMilliseconds })
    this.#admitsOneMore = rateLimit({ clock, perSecond: config.discovery.ratePerSource })
  }

  /** Looks at the payload once, for the eye: what is no frame passes as well, unless `discovery.strict` says otherwise. */
  judge(datagram: Datagram): Verdict {
    const outcome = this.#judgeSource(datagram)
    if (outcome !== undefined) return { kind: 'dropped', outcome }
    const key = this.#duplicates.keyOf(datagram)
    if (this.#duplicates.has(key)) return { kind: 'dropped', outcome: 'duplicate' }
    if (!this.#admitsOneMore(datagram.address)) return { kind: 'dropped', outcome: 'rate-limited' }
    const decoded = decodeFrame(datagram.payload)
    const { strict } = this.#options.dependencies.live().discovery
    if (!decoded.framed && strict && datagram.discoveryPort === discoveryPort) {
      return { kind: 'dropped', outcome: 'malformed' }
    }
    this.#duplicates.remember(key)
    if (!decoded.framed) return other
    const message = parsePeerMessage(decoded.frame)
    if (message !== undefined) return { kind: 'appliance', message }
    const announce = parseAnnounce(decoded.frame)
    return announce === undefined ? other : { kind: 'announce', announce }
  }

  #judgeSource(datagram: Datagram): RequestOutcome | undefined {
    const { address, localAddress, port, payload } = datagram
    const { dependencies, isOwnPort } = this.#options
    const source = parseIpv4(address)
    if (port === 0 || source === undefined || source === 0) return 'bad-source'
    if (isOwnPort(port) && dependencies.routing.isOwn(address)) return 'own-echo'
    if (this.#isContainers(source)) return 'from-container'
    if (!dependencies.access.admits({ localAddress, remoteAddress: address })) return 'refused'
    if (payload.byteLength === 0) return 'empty'
    return payload.byteLength > maxDatagramBytes ? 'oversize' : undefined
  }

  #isContainers(source: number): boolean {
    const subnet = this.#options.dependencies.bridgeSubnet()
    if (this.#containerNetwork?.subnet !== subnet) {
      this.#containerNetwork = { subnet, network: parseIpv4Network(subnet) }
    }
    const { network } = this.#containerNetwork
    return network !== undefined && ipv4Contains(network, source)
  }
}

/**
 * Recognises the second copy of a datagram: a device sends each announce to 255.255.255.255 and to the subnet's broadcast
 * address, and three more announces during an adoption abort it (#561 of the image's repository).
 */
export class Duplicates {
  readonly #options: { readonly clock: Clock; readonly windowMilliseconds: number }
  /** When the first copy passed, in monotonic milliseconds. */
  readonly #passedAt = new LruMap<string, number>({ max: maxRemembered })

  /** `windowMilliseconds` 0: nothing is a duplicate. */
  constructor(options: { clock: Clock; windowMilliseconds: number }) {
    this.#options = options
  }

  /** Identifies a datagram by its sender, its discovery port and its bytes. A digest: nobody can make two that collide. */
  keyOf(datagram: Datagram): string {
    const digest = hash('sha256', datagram.payload, 'base64')
    return `${datagram.address} ${datagram.port} ${datagram.discoveryPort} ${digest}`
  }

  /** True within the window after `remember`. A copy does not extend the window: a device may well repeat itself later. */
  has(key: string): boolean {
    const { clock, windowMilliseconds } = this.#options
    const passedAt = this.#passedAt.peek(key)
    return passedAt !== undefined && clock.now() - passedAt < windowMilliseconds
  }

  remember(key: string): void {
    const { clock, windowMilliseconds } = this.#options
    if (windowMilliseconds === 0) return
    const now = clock.now()
    for (const [known, passedAt] of this.#passedAt) {
      if (now - passedAt < windowMilliseconds) break
      this.#passedAt.delete(known)
    }
    this.#passedAt.set(key, now)
  }

  /** How many are remembered: those that passed within the window before the last of them. */
  get size(): number {
    return this.#passedAt.size
  }
}

interface Bucket {
  tokens: number
  /** Monotonic milliseconds of the last refill. */
  at: number
}

/**
 * A token bucket per source address: `perSecond` on average, bursts of twice that.
 * @returns takes one token of an address; false when it has none left
 */
export function rateLimit(options: { clock: Clock; perSecond: number }): (address: string) => boolean {
  const { clock, perSecond } = options
  const burst = 2 * perSecond
  const buckets = new LruMap<string, Bucket>({ max: maxSources })
  return (address) => {
    const now = clock.now()
    const known = buckets.get(address)
    const bucket = known ?? { tokens: burst, at: now }
    if (known === undefined) buckets.set(address, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
