import { readFileSync } from 'node:fs'
import {
  CidrSet,
  type Ipv4Network,
  ipv4Contains,
  parseIpv4,
  parseIpv4Network,
  plainAddress,
  zoneOf,
} from '../core/cidr.ts'
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
function routeTowards(routes: readonly Route[], address: number): Route | undefined {
  return routes
    .filter((route) => ipv4Contains(route, address))
    .sort((a, b) => b.prefix - a.prefix || a.metric - b.metric)[0]
}

/** How long a reading of the route table is used, in milliseconds. */
const routesAgeMilliseconds = 2000

/**
 * Where a remote address lies as seen from this machine: is it ours, is it on one of our networks, and else where the
 * kernel's routes lead. Cheap enough for every datagram; follows the addresses as they come and go.
 */
export class Routing {
  readonly addresses: LocalAddresses
  readonly #clock: Clock
  readonly #readRoutes: () => string
  #prepared: ReturnType<typeof prepare> | undefined
  #routes: readonly Route[] = []
  #readAt = Number.NEGATIVE_INFINITY

  /** `readRoutes` gives the text of /proc/net/route. */
  constructor(options: { addresses: LocalAddresses; clock: Clock; readRoutes?: () => string }) {
    this.addresses = options.addresses
    this.#clock = options.clock
    this.#readRoutes = options.readRoutes ?? (() => readFileSync('/proc/net/route', 'utf8'))
  }

  /**
   * The addresses of this machine that `address` is: none for another machine's. A link-local address with its zone,
   * `fe80::1%eth0`, is ours only on that interface: on another one anybody may have taken the same, and the VLANs of one
   * card all have the same.
   */
  localsAt(address: string): readonly LocalAddress[] {
    const locals = this.#current().byAddress.get(plain(address)) ?? none
    const zone = locals.length === 0 ? undefined : zoneOf(address)
    return zone === undefined ? locals : locals.filter((local) => local.interface === zone)
  }

  /** Whether `remote` is an address of this machine. */
  isOwn(remote: string): boolean {
    return this.localsAt(remote).length > 0
  }

  /** Whether an interface of this machine is in the same network as `remote`, as the bridge is with the container. */
  isOnLink(remote: string): boolean {
    return this.#onLink(plain(remote)) !== undefined
  }

  /** The address of this machine by which `remote` reaches it, or undefined when no route leads there. */
  localAddressTowards(remote: string): LocalAddress | undefined {
    const near = this.localsAt(remote)[0] ?? this.#onLink(plain(remote))
    if (near !== undefined) return near
    const address = parseIpv4(plain(remote))
    if (address === undefined) return undefined
    const route = routeTowards(this.#currentRoutes(), address)
    return this.addresses.list().find((local) => local.interface === route?.interface && local.family === 'ipv4')
  }

  /** The name of the interface behind which `remote` lies, or undefined when unknown. Takes `fe80::1%eth0` too. */
  interfaceTowards(remote: string): string | undefined {
    return zoneOf(remote) ?? this.localAddressTowards(remote)?.interface
  }

  #onLink(remote: string): LocalAddress | undefined {
    const value = parseIpv4(remote)
    return this.#current().subnets.find((subnet) => subnet.contains(remote, value))?.local
  }

  #current(): ReturnType<typeof prepare> {
    const list = this.addresses.list()
    if (this.#prepared?.of !== list) this.#prepared = prepare(list)
    return this.#prepared
  }

  #currentRoutes(): readonly Route[] {
    const now = this.#clock.now()
    if (now - this.#readAt < routesAgeMilliseconds) return this.#routes
    this.#readAt = now
    try {
      this.#routes = parseRoutes(this.#readRoutes())
    } catch {
      // No open file is left (EMFILE), as in a flood: what was known stands, and a datagram never ends the edge.
    }
    return this.#routes
  }
}

const none: readonly LocalAddress[] = []

/** Like `plainAddress`, without its regular expressions for IPv4: this is asked at every datagram. */
function plain(address: string): string {
  return address.includes(':') ? plainAddress(address) : address
}

/** What is asked of this machine's addresses at every datagram and connection, prepared once for each list of them. */
function prepare(list: readonly LocalAddress[]) {
  const byAddress: ReadonlyMap<string, readonly LocalAddress[]> = Map.groupBy(list, (local) => local.address)
  // Longest prefix first: a /24 inside somebody's /16 is the nearer one.
  const subnets = list
    .filter((local) => local.prefix > 0)
    .map((local) => ({ local, contains: networkOf(local) }))
    .sort((a, b) => b.local.prefix - a.local.prefix)
  return { of: list, byAddress, subnets }
}

/** Tells what is in the network. `value`: the same address as a number when it is IPv4, parsed once for all networks. */
function networkOf({ address, prefix }: LocalAddress): (remote: string, value: number | undefined) => boolean {
  const network = parseIpv4Network(`${address}/${prefix}`)
  if (network !== undefined) return (_, value) => value !== undefined && ipv4Contains(network, value)
  const set = new CidrSet([`${address}/${prefix}`])
  return (remote, value) => value === undefined && set.contains(remote)
}
