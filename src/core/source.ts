import { plainAddress } from './cidr.ts'

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
