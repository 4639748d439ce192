import type { EdgeConfig } from '../../config/schema.ts'
import { type Ipv4Network, ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import { type PeerMessage, parsePeerMessage } from '../../network/peer-message.ts'
import { type Announce, parseAnnounce } from '../../omada/announce.ts'
import { decodeFrame } from '../../omada/frame.ts'
import { discoveryPort } from '../../omada/ports.ts'
import type { DiscoveryDependencies } from './dependencies.ts'
import { Duplicates } from './duplicates.ts'
import type { RequestOutcome } from './outcomes.ts'
import type { Datagram } from './port-listeners.ts'

/**
 * The longest datagram that is relayed, in bytes. A frame's JSON has at most 2000 bytes; the rest is slack for what later
 * firmware, or the app on 27001 whose payload is not known, may send.
 */
export const maxDatagramBytes = 8192

/** Addresses whose rate is watched at once. One that was pushed out starts again with a full burst. */
const maxSources = 8192

/** What a datagram is: why it is dropped, what another omada-host says, a device that announces itself, or anything else. */
export type Verdict =
  | { readonly kind: 'dropped'; readonly outcome: RequestOutcome }
  | { readonly kind: 'appliance'; readonly message: PeerMessage }
  | { readonly kind: 'announce'; readonly announce: Announce }
  | { readonly kind: 'other' }

const other: Verdict = { kind: 'other' }

type AdmissionDependencies = Pick<DiscoveryDependencies, 'access' | 'live' | 'bridgeSubnet' | 'routing'>

/** Decides which datagrams from the LAN may pass, cheapest question first, and what they are. */
export class Admission {
  readonly #dependencies: AdmissionDependencies
  readonly #isOwnPort: (port: number) => boolean
  readonly #duplicates: Duplicates
  readonly #rate: RateLimit
  #containerNetwork: { readonly subnet: string; readonly network: Ipv4Network | undefined } | undefined

  /** `isOwnPort`: whether one of our own sockets has this local port. */
  constructor(options: {
    config: EdgeConfig
    clock: Clock
    dependencies: AdmissionDependencies
    isOwnPort: (port: number) => boolean
  }) {
    const { clock, config } = options
    this.#dependencies = options.dependencies
    this.#isOwnPort = options.isOwnPort
    this.#duplicates = new Duplicates({ clock, windowMilliseconds: config.discovery.duplicateWindowMilliseconds })
    this.#rate = new RateLimit({ clock, perSecond: config.discovery.ratePerSource })
  }

  /** Looks at the payload once, for the eye: what is no frame passes as well, unless `discovery.strict` says otherwise. */
  judge(datagram: Datagram): Verdict {
    const outcome = this.#judgeSource(datagram)
    if (outcome !== undefined) return { kind: 'dropped', outcome }
    const key = this.#duplicates.keyOf(datagram)
    if (this.#duplicates.has(key)) return { kind: 'dropped', outcome: 'duplicate' }
    if (!this.#rate.admits(datagram.address)) return { kind: 'dropped', outcome: 'rate-limited' }
    const decoded = decodeFrame(datagram.payload)
    if (!decoded.framed && this.#dependencies.live().discovery.strict && datagram.discoveryPort === discoveryPort) {
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
    const { address, port, payload } = datagram
    const source = parseIpv4(address)
    if (port === 0 || source === undefined || source === 0) return 'bad-source'
    if (this.#isOwnPort(port) && this.#dependencies.routing.isOwn(address)) return 'own-echo'
    if (this.#isContainers(source)) return 'from-container'
    if (!this.#dependencies.access.admits({ localAddress: datagram.localAddress, remoteAddress: address }))
      return 'refused'
    if (payload.byteLength === 0) return 'empty'
    return payload.byteLength > maxDatagramBytes ? 'oversize' : undefined
  }

  #isContainers(source: number): boolean {
    const subnet = this.#dependencies.bridgeSubnet()
    if (this.#containerNetwork?.subnet !== subnet) {
      this.#containerNetwork = { subnet, network: parseIpv4Network(subnet) }
    }
    const { network } = this.#containerNetwork
    return network !== undefined && ipv4Contains(network, source)
  }
}

interface Bucket {
  tokens: number
  /** Monotonic milliseconds of the last refill. */
  at: number
}

/** A token bucket per source address: `perSecond` on average, bursts of twice that. */
export class RateLimit {
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #buckets = new LruMap<string, Bucket>({ max: maxSources })

  constructor(options: { clock: Clock; perSecond: number }) {
    this.#clock = options.clock
    this.#perSecond = options.perSecond
  }

  /** Takes one token; false when the address has none left. */
  admits(address: string): boolean {
    const now = this.#clock.now()
    const burst = 2 * this.#perSecond
    const known = this.#buckets.get(address)
    const bucket = known ?? { tokens: burst, at: now }
    if (known === undefined) this.#buckets.set(address, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond)
    bucket.at = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
