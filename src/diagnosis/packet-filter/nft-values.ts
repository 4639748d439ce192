import { isObject, ownValue } from '../../omada/frame.ts'
import { allOf, anyOf, destinationIn, interfaceIs, type Match, type Packet, sourceIn } from './rules.ts'

/** Compares one thing of a packet with one value of a rule. */
export type Compare = (value: unknown) => Match

/** The elements of a named set or map of the rule's table; undefined when there is none of this name. */
export type Elements = (name: string) => readonly unknown[] | undefined

const notUnderstood: Compare = () => 'maybe'

/**
 * What the left side of a match, or the key of a map, is of this packet (libnftables-json(5)). `no`: the packet has
 * nothing of the kind, as no TCP packet has a UDP port.
 */
export function compareTo(left: unknown, packet: Packet): Compare | 'no' {
  const [[kind, detail] = ['', undefined]] = isObject(left) ? Object.entries(left) : []
  if (kind === 'concat' && Array.isArray(detail)) return compareConcat(detail, packet)
  if (!isObject(detail)) return notUnderstood
  if (kind === 'payload') return comparePayload(ownValue(detail, 'protocol'), ownValue(detail, 'field'), packet)
  if (kind === 'fib') return compareFib(ownValue(detail, 'result'), ownValue(detail, 'flags'), packet)
  const subject = `${kind} ${ownValue(detail, 'key')}`
  if (subject === 'meta l4proto') return compareProtocol(packet)
  const compare = texts.get(subject)
  return compare === undefined ? notUnderstood : ofText((text) => compare(text, packet))
}

/** What `meta` and `ct` tell of the packet, which is the first of its connection. */
const texts = new Map<string, (text: string, packet: Packet) => Match>([
  ['meta iif', interfaceIs],
  ['meta iifname', interfaceIs],
  ['meta nfproto', (name) => yes(name === 'ipv4')],
  ['meta protocol', (name) => yes(name === 'ip')],
  // nft(8) takes both names for what is sent to this machine alone.
  ['meta pkttype', (name, { destination }) => yes((name === 'unicast' ? 'host' : name) === packetTypes[destination])],
  ['ct state', (name) => yes(name === 'new')],
  ['ct status', (name) => (name === 'dnat' || name === 'snat' ? 'no' : 'maybe')],
  ['ct direction', (name) => yes(name === 'original')],
])

const packetTypes = { local: 'host', broadcast: 'broadcast' } as const

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

function compareConcat(parts: readonly unknown[], packet: Packet): Compare | 'no' {
  const compares = parts.map((part) => compareTo(part, packet))
  const known = compares.filter((compare) => compare !== 'no')
  if (known.length < compares.length) return 'no'
  return (value) => {
    const values = isObject(value) ? ownValue(value, 'concat') : undefined
    if (!Array.isArray(values) || values.length !== known.length) return 'maybe'
    return allOf(known.map((compare, index) => compare(values[index])))
  }
}

function comparePayload(protocol: unknown, field: unknown, packet: Packet): Compare | 'no' {
  if (protocol === 'ip' && field === 'saddr') return ofNetwork((network) => sourceIn(packet, network))
  if (protocol === 'ip' && field === 'daddr') return ofNetwork((network) => destinationIn(packet, network))
  if (protocol === 'ip' && field === 'protocol') return compareProtocol(packet)
  if (protocol === 'ip' || protocol === 'ether' || typeof protocol !== 'string') return notUnderstood
  if (protocol !== packet.protocol && protocol !== 'th') return 'no'
  return field === 'dport' ? (value) => numberIn(packet.port, value) : notUnderstood
}

function compareFib(result: unknown, flags: unknown, packet: Packet): Compare {
  const from = [flags].flat()
  if (result === 'type' && from.includes('daddr')) return ofText((type) => yes(type === packet.destination))
  // "No way back to the sender": there is one to somebody on the interface's own network.
  if (result === 'oif' && from.includes('saddr')) return (value) => (value === false ? 'no' : 'maybe')
  return notUnderstood
}

function compareProtocol(packet: Packet): Compare {
  return (value) => yes(value === packet.protocol || value === (packet.protocol === 'tcp' ? 6 : 17))
}

function ofText(compare: (text: string) => Match): Compare {
  return (value) => (typeof value === 'string' ? compare(value) : 'maybe')
}

function ofNetwork(inside: (network: string) => Match): Compare {
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
