import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** An IPv4 network: `base` as an unsigned 32-bit number with the host bits cleared, `prefix` 0 to 32. */
export interface Ipv4Network {
  readonly base: number
  readonly prefix: number
}

/** The address as an unsigned 32-bit number, or undefined when it is not dotted-quad IPv4. */
export function parseIpv4(address: string): number | undefined {
  if (!isIPv4(address)) return undefined
  return address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0)
}

/** The dotted quad of an unsigned 32-bit number. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

/** Parses `a.b.c.d/prefix`; undefined when malformed. Host bits are allowed and cleared. */
export function parseIpv4Network(text: string): Ipv4Network | undefined {
  const match = /^([0-9.]+)\/(\d{1,2})$/.exec(text)
  const address = match?.[1] === undefined ? undefined : parseIpv4(match[1])
  const prefix = Number(match?.[2])
  if (address === undefined || prefix > 32) return undefined
  return { base: maskTo(address, prefix), prefix }
}

export function ipv4Contains(network: Ipv4Network, address: number): boolean {
  return maskTo(address, network.prefix) === network.base
}

export function ipv4Overlaps(a: Ipv4Network, b: Ipv4Network): boolean {
  const prefix = Math.min(a.prefix, b.prefix)
  return maskTo(a.base, prefix) === maskTo(b.base, prefix)
}

/** The last address of the network, its directed broadcast address. */
export function ipv4Broadcast(network: Ipv4Network): number {
  return (network.base | (network.prefix === 32 ? 0 : 0xffffffff >>> network.prefix)) >>> 0
}

function maskTo(address: number, prefix: number): number {
  return prefix === 0 ? 0 : (address & (0xffffffff << (32 - prefix))) >>> 0
}

/** `::ffff:192.0.2.1` as `192.0.2.1`, a zone index removed; anything else as it is. */
export function plainAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address.replace(/%.*$/, '')
}

/** The interface that a link-local address such as `fe80::1%eth0` belongs to; undefined without one. */
export function zoneOf(address: string): string | undefined {
  return /%(.+)$/.exec(address)?.[1]
}

/** A set of IPv4 and IPv6 networks to test client addresses against. Takes mapped addresses too. */
export class CidrSet {
  readonly #list = new BlockList()

  /** @param cidrs each must satisfy `isCidr` */
  constructor(cidrs: readonly string[]) {
    for (const cidr of cidrs) {
      const [address = '', prefix = ''] = cidr.split('/')
      this.#list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6')
    }
  }

  contains(address: string): boolean {
    const plain = plainAddress(address)
    return this.#list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }
}

/** True for an IPv4 or IPv6 network in CIDR notation with a prefix of the right range. */
export function isCidr(text: string): boolean {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  if (match?.[1] === undefined) return false
  const prefix = Number(match[2])
  return isIPv4(match[1]) ? prefix <= 32 : isIPv6(match[1]) && prefix <= 128
}

/**
 * Whom a limit counts: an IPv4 address, or the /64 network of an IPv6 one, because a single host picks as many
 * addresses of its /64 as it likes (RFC 4941).
 * @param address as a socket reports it: mapped addresses and zone indexes are understood
 */
export function sourceOf(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  if (tail === undefined) return `${left.slice(0, 4).join(':')}::/64`
  const right = tail === '' ? [] : tail.split(':')
  // A dotted quad at the end stands for two groups of sixteen bits.
  const missing = 8 - left.length - right.length - (tail.includes('.') ? 1 : 0)
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
