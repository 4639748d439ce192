import { type Ipv4Network, ipv4Contains, ipv4Overlaps, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'

/**
 * A packet filter's rules in one form, whatever program wrote them, and what becomes of a packet in them. Three-valued:
 * what is not understood may match or may not, so that a verdict is told only where it is certain.
 */

/** The first packet of somebody on the LAN to one of this machine's ports. */
export interface Packet {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The interface that it comes in by. */
  readonly interface: string
  /** To this machine's own address, or to everybody. */
  readonly destination: 'local' | 'broadcast'
  /** This machine's address there. */
  readonly address: string
  /** The network that the sender is in. */
  readonly prefix: number
  readonly broadcast: string
}

export type Match = 'yes' | 'no' | 'maybe'

/** What a rule does with a packet that matches. `continue`: nothing. `unknown`: anything. */
export type Verdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' | 'unknown' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }

/** Whether a packet matches, and what the rule does with it then. */
export type Rule = (packet: Packet) => { readonly match: Match; readonly verdict: Verdict }

/** A chain that the kernel itself sends packets through. */
export interface BaseChain {
  readonly rules: readonly Rule[]
  /** Who is to be asked to change it: the program, and the table as that program names it. */
  readonly owner: FilterOwner
  readonly policy: 'accept' | 'drop'
  /** The interfaces that it is for; all of them when absent. */
  readonly interfaces?: readonly string[]
  /** The rules of the chains that it may jump to, by their names. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>
}

export type FilterOwner =
  | { readonly tool: 'ufw' | 'firewalld' | 'iptables' }
  | { readonly tool: 'nftables'; readonly family: string; readonly table: string; readonly chain: string }

/** `maybe`: it depends on rules that are not understood. */
export type Fate = 'open' | 'blocked' | 'maybe'

type Outcome = 'accept' | 'drop' | 'pass'

/** Rules of one machine are tens to thousands; with jumps, this many steps are more than any needs. */
const maxSteps = 200_000
/** The kernel's own bound on jumps (NFT_JUMP_STACK_SIZE) is 16. */
const maxDepth = 32

/** What becomes of the packet in one base chain. */
export function fateIn(base: BaseChain, packet: Packet): Fate {
  if (base.interfaces !== undefined && !base.interfaces.includes(packet.interface)) return 'open'
  let stepsLeft = maxSteps

  /** Every way out of a chain that the packet may take. */
  function walk(rules: readonly Rule[], depth: number): Set<Outcome> {
    const outcomes = new Set<Outcome>()
    if (depth > maxDepth) return untold()
    for (const rule of rules) {
      stepsLeft -= 1
      if (stepsLeft < 0) return untold()
      const { match, verdict } = rule(packet)
      if (match === 'no') continue
      const ways = waysOf(verdict, depth)
      for (const way of ways) if (way !== 'next') outcomes.add(way)
      if (match === 'yes' && !ways.has('next')) return outcomes
    }
    return outcomes.add('pass')
  }

  /** What a verdict leads to: an end of this chain, or its next rule. */
  function waysOf(verdict: Verdict, depth: number): Set<Outcome | 'next'> {
    switch (verdict.kind) {
      case 'accept':
      case 'drop':
        return new Set([verdict.kind])
      case 'return':
        return new Set(['pass'])
      case 'continue':
        return new Set(['next'])
      case 'unknown':
        return new Set(['accept', 'drop', 'next'])
    }
    const target = base.chains.get(verdict.chain)
    const ways: Set<Outcome | 'next'> = target === undefined ? untold() : walk(target, depth + 1)
    if (verdict.kind === 'jump' && ways.delete('pass')) ways.add('next')
    return ways
  }

  const outcomes = walk(base.rules, 0)
  if (outcomes.delete('pass')) outcomes.add(base.policy)
  if (outcomes.size !== 1) return 'maybe'
  return outcomes.has('accept') ? 'open' : 'blocked'
}

/** It cannot be told what becomes of the packet. */
function untold(): Set<Outcome> {
  return new Set(['accept', 'drop'])
}

/** All of them must match. */
export function allOf(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('maybe') ? 'maybe' : 'yes'
}

export function anyOf(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes'
  return matches.includes('maybe') ? 'maybe' : 'no'
}

export function not(match: Match): Match {
  if (match === 'maybe') return match
  return match === 'yes' ? 'no' : 'yes'
}

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

/** Whether the packet's interface is the one of a rule: a name, or its beginning and `*`. */
export function interfaceIs(name: string, packet: Packet): Match {
  const matches = name.endsWith('*') ? packet.interface.startsWith(name.slice(0, -1)) : packet.interface === name
  return matches ? 'yes' : 'no'
}

/** A single address is a network of its own. */
function networkOf(text: string): Ipv4Network | undefined {
  return parseIpv4Network(text.includes('/') ? text : `${text}/32`)
}
