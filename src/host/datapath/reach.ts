import { formatIpv4, type Ipv4Network, ipv4Contains, parseIpv4Network } from '../../core/cidr.ts'
import type { Peer } from '../../core/peer.ts'
import type { Rule, Ruleset } from './ruleset.ts'

/** Whom the container may reach by itself. What it is asked for it always answers. */
export interface Reach {
  /** Of all that this machine forwards: anything, what is no network of one's own, or nothing. */
  readonly egress: 'any' | 'internet' | 'none'
  /** Reached in any case, on this machine and beyond: what the user lists, and an external database by TCP. */
  readonly listed: readonly Peer[]
  readonly database: readonly Peer[]
  /** The name servers that the container asks, by IPv4. */
  readonly nameServers: readonly string[]
  /** The networks that this machine has an address in, in CIDR notation. */
  readonly onLink: readonly string[]
}

/** NF_IP_PRI_FILTER of linux/netfilter_ipv4.h, where firewalls are. */
const filter = 0

/**
 * What is not the internet, whoever is there: this network, private, shared, loopback, link-local, protocol assignments,
 * benchmarks, multicast and reserved (IANA's registry of special-purpose IPv4 addresses, RFC 6890).
 */
const notInternet = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3'],
]

/** The set in which the kernel notes whom the container was not let reach. */
export const refusedSet = 'refused'

/** No more of them at once: what a container tries is its own choice. */
const maxRefused = 32

/**
 * From the container's bridge to this machine passes what answers somebody, echo and what routers tell, names, and what is
 * listed; all else is dropped: its services are the LAN's and not the container's. What is forwarded is as `egress` says.
 * Pure; the set `bridges` is the fence's.
 */
export function reachRules(reach: Reach): Ruleset {
  const { egress, listed, database, nameServers, onLink } = reach
  const whole = listed.filter(({ port }) => port === undefined)
  return {
    sets: [
      { name: 'listed', type: 'ipv4_addr', elements: unique(whole.map(({ address }) => address)) },
      { name: 'listed-ports', type: 'ipv4_addr . inet_service', elements: ports(listed) },
      { name: 'database', type: 'ipv4_addr . inet_service', elements: ports(database) },
      { name: 'name-servers', type: 'ipv4_addr', elements: unique(nameServers) },
      { name: 'not-internet', type: 'ipv4_addr', flags: ['interval'], elements: disjoint([...notInternet, ...onLink]) },
      {
        name: refusedSet,
        type: 'ipv4_addr . inet_proto . inet_service',
        flags: ['dynamic', 'timeout'],
        more: [`size ${maxRefused}`, 'timeout 1h'],
      },
    ],
    chains: [
      {
        name: 'reach-here',
        base: { type: 'filter', hook: 'input', priority: filter },
        rules: [
          ...ofAnswers,
          { name: 'echo and errors', text: 'meta l4proto { icmp, ipv6-icmp } accept' },
          { name: 'names', text: 'meta l4proto { tcp, udp } th dport 53 accept' },
          ...ofListed,
          { name: 'to everybody', text: 'meta pkttype { broadcast, multicast } drop' },
          ...refused('drop'),
        ],
      },
      {
        name: 'reach-beyond',
        base: { type: 'filter', hook: 'forward', priority: filter },
        rules:
          egress === 'any' ? [] : [...ofAnswers, ...beyond(egress), ...refused('reject with icmpx admin-prohibited')],
      },
    ],
  }
}

/**
 * Of TCP only what opens a connection is asked for at all: of those that are there already the kernel may have lost track,
 * as when somebody empties its tables.
 */
const ofAnswers: readonly Rule[] = [
  { name: 'of others', text: 'iifname != @bridges accept' },
  { name: 'answers', text: 'ct state established,related accept' },
  { name: 'opens nothing', text: 'tcp flags & (fin | syn | rst | ack) != syn accept' },
]

const ofListed: readonly Rule[] = [
  { name: 'listed', text: 'ip daddr @listed accept' },
  { name: 'listed with its port', text: 'meta l4proto { tcp, udp } ip daddr . th dport @listed-ports accept' },
  { name: 'its database', text: 'ip daddr . tcp dport @database accept' },
]

function beyond(egress: 'internet' | 'none'): readonly Rule[] {
  return [
    { name: 'names', text: 'ip daddr @name-servers meta l4proto { tcp, udp } th dport 53 accept' },
    ...ofListed,
    ...(egress === 'internet' ? [{ name: 'the internet', text: 'ip daddr != @not-internet accept' }] : []),
  ]
}

function refused(verdict: string): readonly Rule[] {
  const key = 'ip daddr . meta l4proto . th dport'
  return [
    { name: 'refused and told', text: `meta l4proto { tcp, udp } update @${refusedSet} { ${key} } counter ${verdict}` },
    { name: 'refused', text: `counter ${verdict}` },
  ]
}

const unique = (values: readonly string[]) => [...new Set(values)]

function ports(peers: readonly Peer[]): readonly string[] {
  return unique(peers.flatMap(({ address, port }) => (port === undefined ? [] : [`${address} . ${port}`])))
}

/** These networks without those that are in others of them: elements of a set must not overlap. */
function disjoint(cidrs: readonly string[]): readonly string[] {
  const networks = cidrs.map(parseIpv4Network).filter((network) => network !== undefined)
  const kept: Ipv4Network[] = []
  for (const network of networks.sort((one, other) => one.prefix - other.prefix)) {
    if (!kept.some((wider) => ipv4Contains(wider, network.base))) kept.push(network)
  }
  return kept.map(({ base, prefix }) => `${formatIpv4(base)}/${prefix}`)
}
