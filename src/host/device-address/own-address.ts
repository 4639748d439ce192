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
  /** All addresses of this machine: guests may be served on others than devices. */
  readonly own: readonly LocalAddress[]
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

/** Whether devices that were told `address` find this machine by it, as far as its own addresses tell. */
export function leadsHere(address: string, ways: Ways): boolean {
  return ways.configured === undefined ? candidates(ways).includes(address) : address === ways.configured
}

/** Whether guests that were told `address` find this machine by it, on whichever of its networks they are. */
export function portalLeadsHere(address: string, ways: Ways): boolean {
  const { configured, subnet, own } = ways
  return address === configured || candidates({ subnet, served: own }).includes(address)
}

/** Whether `address` is to stay although devices could be told another: some are connected by it, or none by any. */
export function isInUse(address: string, { configured, connected }: Ways): boolean {
  return configured !== undefined || connected.size === 0 || connected.has(address)
}
