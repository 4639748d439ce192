import type { EdgeConfig } from '../../config/schema.ts'
import { type Ipv4Network, ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import { type DecodedFrame, decodeFrame } from '../../omada/frame.ts'
import { discoveryPort } from '../../omada/ports.ts'
import { Duplicates } from './duplicates.ts'
import type { RequestOutcome } from './outcomes.ts'
import type { Datagram, DiscoveryPorts } from './ports.ts'
import { RateLimit } from './rate-limit.ts'

/**
 * The longest datagram that is relayed, in bytes. A frame's JSON has at most 2000 bytes; the rest is slack for what later
 * firmware, or the app on 27001 whose payload is not known, may send.
 */
export const maxDatagramBytes = 8192

/** Why a datagram is dropped, or the decoded payload of one that may pass. */
export type Verdict =
  | { readonly dropped: RequestOutcome }
  | { readonly dropped: undefined; readonly decoded: DecodedFrame }

type AdmissionPorts = Pick<DiscoveryPorts, 'access' | 'live' | 'bridgeSubnet' | 'routing'>

/** Decides which datagrams from the LAN may pass, cheapest question first. */
export class Admission {
  readonly #ports: AdmissionPorts
  readonly #isOwnPort: (port: number) => boolean
  readonly #duplicates: Duplicates
  readonly #rate: RateLimit
  #containerNetwork: { readonly subnet: string; readonly network: Ipv4Network | undefined } | undefined

  /** `isOwnPort`: whether one of our own sockets has this local port. */
  constructor(options: {
    config: EdgeConfig
    clock: Clock
    ports: AdmissionPorts
    isOwnPort: (port: number) => boolean
  }) {
    const { clock, config } = options
    this.#ports = options.ports
    this.#isOwnPort = options.isOwnPort
    this.#duplicates = new Duplicates({ clock, windowMilliseconds: config.discovery.duplicateWindowMilliseconds })
    this.#rate = new RateLimit({ clock, perSecond: config.discovery.ratePerSource })
  }

  judge(datagram: Datagram): Verdict {
    const source = this.#judgeSource(datagram)
    if (source !== undefined) return { dropped: source }
    const key = this.#duplicates.keyOf(datagram)
    if (this.#duplicates.has(key)) return { dropped: 'duplicate' }
    if (!this.#rate.admits(datagram.address)) return { dropped: 'rate-limited' }
    const decoded = decodeFrame(datagram.payload)
    if (!decoded.framed && this.#ports.live().discovery.strict && datagram.discoveryPort === discoveryPort) {
      return { dropped: 'malformed' }
    }
    this.#duplicates.remember(key)
    return { dropped: undefined, decoded }
  }

  #judgeSource(datagram: Datagram): RequestOutcome | undefined {
    const { address, port, payload } = datagram
    const source = parseIpv4(address)
    if (port === 0 || source === undefined || source === 0) return 'bad-source'
    if (this.#isOwnPort(port) && this.#ports.routing.isOwn(address)) return 'own-echo'
    if (this.#isContainers(source)) return 'from-container'
    if (!this.#ports.access.admits({ localAddress: datagram.localAddress, remoteAddress: address })) return 'refused'
    if (payload.byteLength === 0) return 'empty'
    return payload.byteLength > maxDatagramBytes ? 'oversize' : undefined
  }

  #isContainers(source: number): boolean {
    const subnet = this.#ports.bridgeSubnet()
    if (this.#containerNetwork?.subnet !== subnet) {
      this.#containerNetwork = { subnet, network: parseIpv4Network(subnet) }
    }
    const { network } = this.#containerNetwork
    return network !== undefined && ipv4Contains(network, source)
  }
}
