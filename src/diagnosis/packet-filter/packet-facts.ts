import {
  formatIpv4,
  type Ipv4Network,
  ipv4Contains,
  ipv4Overlaps,
  parseIpv4,
  parseIpv4Network,
} from '../../core/cidr.ts'
import type { Match, Packet } from './rules.ts'

/** Whether the packet's sender, who is somebody on the interface's network, is in this network (address or CIDR). */
export function sourceIn(packet: Packet, network: string): Match {
  const listed = networkOf(network)
  const clients = parseIpv4Network(`${packet.address}/${packet.prefix}`)
  if (listed === undefined || clients === undefined) return 'maybe'
  if (!ipv4Overlaps(listed, clients)) return 'no'
  return listed.prefix <= clients.prefix ? 'yes' : 'maybe'
}

/** Whether the packet's destination is in this network. A broadcast goes to 255.255.255.255 or the network's own address. */
export function destinationIn(packet: Packet, network: string): Match {
  const listed = networkOf(network)
  if (listed === undefined) return 'maybe'
  const destinations = packet.destination === 'local' ? [packet.address] : [packet.broadcast, '255.255.255.255']
  const inside = destinations.filter((address) => ipv4Contains(listed, parseIpv4(address) ?? 0)).length
  if (inside === 0) return 'no'
  return inside === destinations.length ? 'yes' : 'maybe'
}

/** Whether the packet's interface is the one of a rule: a name, or its beginning and `wildcard`. */
export function interfaceIs(packet: Packet, name: string, wildcard: '*' | '+'): Match {
  const matches = name.endsWith(wildcard) ? packet.interface.startsWith(name.slice(0, -1)) : packet.interface === name
  return matches ? 'yes' : 'no'
}

/** A single address is a network of its own. */
function networkOf(text: string): Ipv4Network | undefined {
  const address = parseIpv4(text)
  if (address !== undefined) return parseIpv4Network(`${formatIpv4(address)}/32`)
  return parseIpv4Network(text)
}
