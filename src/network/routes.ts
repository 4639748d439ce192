import { readFileSync } from 'node:fs'
import { CidrSet, type Ipv4Network, ipv4Contains, parseIpv4, plainAddress, zoneOf } from '../core/cidr.ts'
import type { Clock } from '../core/clock.ts'
import type { LocalAddress, LocalAddresses } from './interfaces.ts'

/** One route of the kernel's main IPv4 table. */
export interface Route extends Ipv4Network {
  readonly interface: string
  readonly metric: number
}

const routeUp = 0x1
const routeReject = 0x200

/**
 * Parses /proc/net/route (proc(5)): addresses are hexadecimal in the machine's byte order, which is little-endian on
 * every machine that the controller's image exists for.
 */
export function parseRoutes(text: string): readonly Route[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap((fields): Route[] => {
      const [name, destination, , flagsText, , , metric, mask] = fields
      if (name === undefined || destination === undefined || mask === undefined) return []
      const flags = Number.parseInt(flagsText ?? '0', 16)
      if ((flags & routeUp) === 0 || (flags & routeReject) !== 0) return []
      return [
        {
          interface: name,
          base: littleEndian(destination),
          prefix: prefixLength(littleEndian(mask)),
          metric: Number(metric),
        },
      ]
    })
}

function littleEndian(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE()
}

function prefixLength(mask: number): number {
  return Math.clz32(~mask >>> 0)
}

/** The route that the kernel takes towards an address: longest prefix, then smallest metric. */
export function routeTowards(routes: readonly Route[], address: number): Route | undefined {
  return routes
    .filter((route) => ipv4Contains(route, address))
    .sort((a, b) => b.prefix - a.prefix || a.metric - b.metric)[0]
}

interface Subnet {
  readonly local: LocalAddress
  readonly clients: CidrSet
}

/** How long a reading of the route table is used, in milliseconds. */
const routesAge = 2000

/** Where a remote address lies as seen from this machine: by its subnets first, then by the kernel's routes. */
export class Routing {
  readonly #addresses: LocalAddresses
  readonly #clock: Clock
  readonly #readRoutes: () => string
  #routes: readonly Route[] = []
  #subnets: readonly Subnet[] = []
  #subnetsOf: readonly LocalAddress[] | undefined
  #readAt = Number.NEGATIVE_INFINITY

  constructor(options: { addresses: LocalAddresses; clock: Clock; readRoutes?: () => string }) {
    this.#addresses = options.addresses
    this.#clock = options.clock
    this.#readRoutes = options.readRoutes ?? (() => readFileSync('/proc/net/route', 'utf8'))
  }

  /** The address of this machine by which `remote` reaches it, or undefined when no route leads there. */
  localAddressTowards(remote: string): LocalAddress | undefined {
    const plain = plainAddress(remote)
    const own = this.#addresses.list().find((local) => local.address === plain)
    if (own !== undefined) return own
    const onLink = this.#onLink(plain)
    if (onLink !== undefined) return onLink
    const address = parseIpv4(plain)
    if (address === undefined) return undefined
    const route = routeTowards(this.#currentRoutes(), address)
    return this.#addresses.list().find((local) => local.interface === route?.interface && local.family === 'ipv4')
  }

  /** Whether `remote` is an address of this machine. */
  isOwn(remote: string): boolean {
    const plain = plainAddress(remote)
    return this.#addresses.list().some((local) => local.address === plain)
  }

  /** The name of the interface behind which `remote` lies, or undefined when unknown. Takes `fe80::1%eth0` too. */
  interfaceTowards(remote: string): string | undefined {
    return zoneOf(remote) ?? this.localAddressTowards(remote)?.interface
  }

  /** Whether an interface of this machine is in the same network as `remote`. */
  isOnLink(remote: string): boolean {
    return this.#onLink(plainAddress(remote)) !== undefined
  }

  /** The longest matching subnet wins: a /24 inside somebody's /16. */
  #onLink(remote: string): LocalAddress | undefined {
    return this.#currentSubnets().find((subnet) => subnet.clients.contains(remote))?.local
  }

  /** The subnets of this machine's addresses, longest prefix first; compiled anew when the addresses change. */
  #currentSubnets(): readonly Subnet[] {
    const list = this.#addresses.list()
    if (list !== this.#subnetsOf) {
      this.#subnetsOf = list
      this.#subnets = list
        .filter((local) => local.prefix > 0)
        .map((local) => ({ local, clients: new CidrSet([`${local.address}/${local.prefix}`]) }))
        .sort((a, b) => b.local.prefix - a.local.prefix)
    }
    return this.#subnets
  }

  #currentRoutes(): readonly Route[] {
    const now = this.#clock.now()
    if (now - this.#readAt < routesAge) return this.#routes
    this.#readAt = now
    try {
      this.#routes = parseRoutes(this.#readRoutes())
    } catch {
      // No open file is left (EMFILE), as in a flood: what was known stands, and a datagram never ends the edge.
    }
    return this.#routes
  }
}
