import { isIPv4 } from 'node:net'
import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { LocalAddress } from '../../network/interfaces.ts'

/** What is known of the ways by which devices can reach this machine. */
export interface Ways {
  /** `network.deviceAddress`. */
  readonly configured: string | undefined
  /** `network.subnet`: this machine's address in there is nobody's way but the container's. */
  readonly subnet: string
  /** This machine's addresses on which devices are served. */
  readonly served: readonly LocalAddress[]
  /** How many devices are connected by each address. */
  readonly connected: ReadonlyMap<string, number>
  /** This machine's address on its default route. */
  readonly towardsInternet: string | undefined
}

/** The IPv4 addresses by which devices may reach this machine. */
function candidates({ subnet, served }: Pick<Ways, 'subnet' | 'served'>): readonly string[] {
  const own = parseIpv4Network(subnet)
  return served
    .filter(({ family, internal }) => family === 'ipv4' && !internal)
    .map(({ address }) => address)
    .filter((address) => own === undefined || !ipv4Contains(own, parseIpv4(address) ?? 0))
}

/**
 * The address that devices are to be told: the configured one, else the one of this machine by which most of them are
 * connected, else the one on its default route, else its first. Undefined where it has none.
 */
export function deviceAddress(ways: Ways): string | undefined {
  if (ways.configured !== undefined) return ways.configured
  const all = candidates(ways)
  const count = (address: string) => ways.connected.get(address) ?? 0
  const rank = (address: string) => count(address) + (address === ways.towardsInternet ? 0.5 : 0)
  return [...all].sort((one, other) => rank(other) - rank(one))[0]
}

/**
 * Whether devices that were told `address` find this machine by it, as far as its own addresses tell. A name is its owner's
 * word: whom it leads where devices are cannot be seen from here.
 */
export function leadsHere(address: string, ways: Ways): boolean {
  if (!isIPv4(address)) return true
  return ways.configured === undefined ? candidates(ways).includes(address) : address === ways.configured
}

/**
 * Whether guests that were told `address` may find this machine by it. Guests are elsewhere than devices, and reach it by a
 * router's address or by a name that a certificate is for: wrong for sure is only the container's network.
 */
export function portalLeadsHere(address: string, { subnet }: Ways): boolean {
  const container = parseIpv4Network(subnet)
  const parsed = isIPv4(address) ? parseIpv4(address) : undefined
  return container === undefined || parsed === undefined || !ipv4Contains(container, parsed)
}
