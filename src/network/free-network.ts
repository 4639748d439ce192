import { formatIpv4, type Ipv4Network, ipv4Overlaps, parseIpv4Network } from '../core/cidr.ts'

/** A network for the container, and the controller's address in it, as the configuration takes them. */
export interface ProposedNetwork {
  readonly subnet: string
  readonly controllerAddress: string
}

/**
 * Networks of 256 addresses of the private ranges (RFC 1918), those first that few use: not the ones of home routers, of
 * Docker (172.17 and up), of Podman (10.88 and up) or of VPN clients (10.8).
 */
function* candidates(): Generator<Ipv4Network> {
  const texts = [
    ...[211, 187, 163, 143, 119].map((second) => `10.${second}.81.0/24`),
    ...[30, 29, 28, 31].map((second) => `172.${second}.81.0/24`),
    ...Array.from({ length: 100 }, (_, index) => `192.168.${240 - index}.0/24`),
    ...Array.from({ length: 100 }, (_, index) => `10.${254 - index}.81.0/24`),
    ...Array.from({ length: 16 }, (_, index) => `172.${31 - index}.82.0/24`),
  ]
  for (const text of texts) {
    const network = parseIpv4Network(text)
    if (network !== undefined) yield network
  }
}

/** A route wider than this is the default route in pieces, as VPN clients set it: it takes nothing away from a network. */
const narrowest = 8

/** Those that take something away from a network. Pure. */
export function overlapping<T extends Ipv4Network>(network: Ipv4Network, others: readonly T[]): readonly T[] {
  return others.filter((other) => other.prefix >= narrowest && ipv4Overlaps(network, other))
}

/** The first network that overlaps none of `taken`; undefined when all private ranges are taken. Pure. */
export function freeNetwork(taken: readonly Ipv4Network[]): ProposedNetwork | undefined {
  for (const network of candidates()) {
    if (overlapping(network, taken).length > 0) continue
    const { base, prefix } = network
    return { subnet: `${formatIpv4(base)}/${prefix}`, controllerAddress: formatIpv4(base + 10) }
  }
  return undefined
}
