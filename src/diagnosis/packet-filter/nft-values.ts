import { isObject, ownValue } from '../../omada/frame.ts'
import { allOf, anyOf, destinationIn, interfaceIs, type Match, type Packet, sourceIn } from './rules.ts'

/** Compares one thing of a packet with one value of a rule. */
export type Compare = (value: unknown) => Match

/** The elements of a named set or map of the rule's table; undefined when there is none of this name. */
export type Elements = (name: string) => readonly unknown[] | undefined

/**
 * What the left side of a match, or the key of a map, is of this packet (libnftables-json(5)). `no`: the packet has
 * nothing of the kind, as no TCP packet has a UDP port. Undefined: not understood.
 */
export function compareTo(left: unknown, packet: Packet): Compare | 'no' | undefined {
  if (!isObject(left)) return undefined
  const [[kind, detail] = ['', undefined]] = Object.entries(left)
  if (kind === 'concat' && Array.isArray(detail)) return compareConcat(detail, packet)
  if (!isObject(detail)) return undefined
  const key = ownValue(detail, 'key')
  switch (kind) {
    case 'payload':
      return comparePayload(ownValue(detail, 'protocol'), ownValue(detail, 'field'), packet)
    case 'meta':
      return typeof key === 'string' ? compareMeta(key, packet) : undefined
    case 'ct':
      return typeof key === 'string' ? compareConntrack(key) : undefined
    case 'fib':
      return compareFib(ownValue(detail, 'result'), ownValue(detail, 'flags'), packet)
    default:
      return undefined
  }
}

/** Whether a value of a rule, a set of values included, contains what `compare` looks for. */
export function contains(value: unknown, compare: Compare, elements: Elements): Match {
  if (Array.isArray(value)) return anyOf(value.map((entry) => contains(entry, compare, elements)))
  if (typeof value === 'string' && value.startsWith('@')) {
    const named = elements(value.slice(1))
    return named === undefined ? 'maybe' : contains(named, compare, elements)
  }
  if (!isObject(value)) return compare(value)
  const set = ownValue(value, 'set')
  if (set !== undefined) return contains(set, compare, elements)
  const element = ownValue(value, 'elem')
  if (isObject(element)) return contains(ownValue(element, 'val'), compare, elements)
  return compare(value)
}

function compareConcat(parts: readonly unknown[], packet: Packet): Compare | 'no' | undefined {
  const compares = parts.map((part) => compareTo(part, packet))
  if (compares.includes('no')) return 'no'
  return (value) => {
    const values = isObject(value) ? ownValue(value, 'concat') : undefined
    if (!Array.isArray(values) || values.length !== compares.length) return 'maybe'
    return allOf(compares.map((compare, index) => (typeof compare === 'function' ? compare(values[index]) : 'maybe')))
  }
}

function comparePayload(protocol: unknown, field: unknown, packet: Packet): Compare | 'no' | undefined {
  if (protocol === 'ip' && field === 'saddr') return addresses((network) => sourceIn(packet, network))
  if (protocol === 'ip' && field === 'daddr') return addresses((network) => destinationIn(packet, network))
  if (protocol === 'ip' && field === 'protocol') return compareProtocol(packet)
  if (protocol === 'ip' || protocol === 'ether') return undefined
  if (protocol !== packet.protocol && protocol !== 'th') return typeof protocol === 'string' ? 'no' : undefined
  return field === 'dport' ? (value) => numberIn(packet.port, value) : undefined
}

function compareMeta(key: string, packet: Packet): Compare | undefined {
  switch (key) {
    case 'iif':
    case 'iifname':
      return texts((name) => interfaceIs(packet, name, '*'))
    case 'l4proto':
      return compareProtocol(packet)
    case 'nfproto':
      return texts((name) => yes(name === 'ipv4'))
    case 'protocol':
      return texts((name) => yes(name === 'ip'))
    case 'pkttype':
      return texts((name) => yes(name === (packet.destination === 'local' ? 'host' : 'broadcast')))
    default:
      return undefined
  }
}

/** The first packet of a connection. */
function compareConntrack(key: string): Compare | undefined {
  switch (key) {
    case 'state':
      return texts((name) => yes(name === 'new'))
    case 'status':
      return texts((name) => (name === 'dnat' || name === 'snat' ? 'no' : 'maybe'))
    case 'direction':
      return texts((name) => yes(name === 'original'))
    default:
      return undefined
  }
}

function compareFib(result: unknown, flags: unknown, packet: Packet): Compare | undefined {
  const from = Array.isArray(flags) ? flags : [flags]
  if (result === 'type' && from.includes('daddr')) return texts((type) => yes(type === packet.destination))
  // "No way back to the sender": there is one to somebody on the interface's own network.
  if (result === 'oif' && from.includes('saddr')) return (value) => (value === false ? 'no' : 'maybe')
  return undefined
}

function compareProtocol(packet: Packet): Compare {
  return (value) => yes(value === packet.protocol || value === (packet.protocol === 'tcp' ? 6 : 17))
}

function texts(compare: (text: string) => Match): Compare {
  return (value) => (typeof value === 'string' ? compare(value) : 'maybe')
}

function addresses(inside: (network: string) => Match): Compare {
  return (value) => {
    if (typeof value === 'string') return inside(value)
    const prefix = isObject(value) ? ownValue(value, 'prefix') : undefined
    return isObject(prefix) ? inside(`${ownValue(prefix, 'addr')}/${ownValue(prefix, 'len')}`) : 'maybe'
  }
}

function numberIn(number: number, value: unknown): Match {
  if (typeof value === 'number') return yes(number === value)
  const range = isObject(value) ? ownValue(value, 'range') : undefined
  if (!Array.isArray(range) || range.length !== 2) return 'maybe'
  const [low, high]: unknown[] = range
  return typeof low === 'number' && typeof high === 'number' ? yes(number >= low && number <= high) : 'maybe'
}

function yes(condition: boolean): Match {
  return condition ? 'yes' : 'no'
}
