import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { formatIpv4, type Ipv4Network, ipv4Overlaps, parseIpv4Network } from '../../../src/core/cidr.ts'
import { parseRoutes } from '../../../src/network/routes.ts'

/** The networks of the demo, each a /24 that this machine has no route to yet. */
export interface Places {
  /** This machine's address on the virtual LAN, with its prefix. */
  readonly lanAddress: string
  readonly controllerSubnet: string
  readonly controllerAddress: string
}

const lanCandidates = ['10.77.0.0/24', '10.177.77.0/24', '192.168.177.0/24', '172.29.77.0/24']
const controllerCandidates = ['10.129.82.0/24', '10.130.82.0/24', '192.168.182.0/24', '172.30.82.0/24']

/** @throws Error when every candidate overlaps a route */
export function choosePlaces(routes: readonly Ipv4Network[]): Places {
  const lan = firstFree(lanCandidates, routes)
  const controller = firstFree(controllerCandidates, routes)
  return {
    lanAddress: `${formatIpv4(lan.base + 1)}/24`,
    controllerSubnet: `${formatIpv4(controller.base)}/24`,
    controllerAddress: formatIpv4(controller.base + 10),
  }
}

/** The networks that this machine has routes to, the default route left out. */
export function routedNetworks(): Ipv4Network[] {
  return parseRoutes(readFileSync('/proc/net/route', 'utf8')).filter((route) => route.prefix > 0)
}

function firstFree(candidates: readonly string[], routes: readonly Ipv4Network[]): Ipv4Network {
  for (const candidate of candidates) {
    const network = parseIpv4Network(candidate)
    if (network !== undefined && !routes.some((route) => ipv4Overlaps(route, network))) return network
  }
  throw new Error(`this machine has routes to all of ${candidates.join(', ')}; the demo needs one of them for itself`)
}

/** An address of this machine that a browser elsewhere may reach, else its own loopback. */
export function pageAddress(): string {
  const addresses = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(podman|docker|br-|veth|cni|omada-demo)/.test(name))
    .flatMap(([, list]) => list ?? [])
  return addresses.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1'
}
