import { formatIpv4, parseIpv4Network } from '../../core/cidr.ts'
import { controllerPorts } from '../../omada/ports.ts'
import type { Rule, Ruleset } from './ruleset.ts'

/** The container's network, as the engine has it. */
export interface GuardedNetwork {
  /** IPv4, in CIDR notation. */
  readonly subnet: string
  /** The bridge's interface on this machine, which is there only while a container is on the network. */
  readonly bridge: string
}

/** Before connection tracking, and before any translation: NF_IP_PRI_RAW of linux/netfilter_ipv4.h. */
const raw = -300
/** NF_IP_PRI_FILTER, where firewalls are. */
const filter = 0
/** After NF_IP_PRI_NAT_SRC, where engines are: who translates first is who decides. */
const afterNat = 110

/** The set in which the kernel notes who asked for the controller at the container's own address. */
export const astraySet = 'astray'

/** No more of them at once: who asks, and claims to be whom, is anybody's choice. */
const maxAstray = 32

/** What devices and guests connect to. */
const controllersPorts = controllerPorts.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port)

/** Without its bridge a packet for the network would follow the default route. */
const onlyByItsBridge: Rule = {
  name: 'by another way than its bridge',
  text: 'ip daddr @networks oifname != @bridges counter reject',
}

/**
 * Nobody but our bridges and this machine itself gets to the container's network, whatever routes there are: a bridge is
 * routed to like any network, and that a port is not published does not close it. What claims to come from the network
 * must come by its bridge: the edge takes datagrams of any address. And without its bridge nothing leaves for it, which
 * would follow the default route. What the networks need of their way out stands here too, so that it is back with the
 * fence. Pure.
 */
export function fence(networks: readonly GuardedNetwork[]): Ruleset {
  return {
    sets: [
      { name: 'bridges', type: 'ifname', elements: unique(networks.map(({ bridge }) => quoted(bridge))) },
      {
        name: 'networks',
        type: 'ipv4_addr',
        flags: ['interval'],
        elements: unique(networks.map(({ subnet }) => network(subnet))),
      },
      {
        name: astraySet,
        type: 'ipv4_addr . inet_service',
        flags: ['dynamic', 'timeout'],
        more: [`size ${maxAstray}`, 'timeout 1h'],
      },
    ],
    chains: [
      {
        name: 'fence-in',
        base: { type: 'filter', hook: 'prerouting', priority: raw },
        rules: [
          { name: 'by a bridge of ours', text: 'iifname @bridges accept' },
          { name: 'from this machine', text: 'iifname "lo" accept' },
          { name: 'claims to come from a network of ours', text: 'ip saddr @networks counter drop' },
          {
            name: 'asks for the controller',
            text: `ip daddr @networks tcp dport { ${controllersPorts.join(', ')} } update @${astraySet} { ip saddr . tcp dport }`,
          },
          { name: 'past the proxies', text: 'ip daddr @networks counter drop' },
        ],
      },
      {
        name: 'fence-forward',
        base: { type: 'filter', hook: 'forward', priority: filter },
        rules: [onlyByItsBridge],
      },
      {
        name: 'fence-out',
        base: { type: 'filter', hook: 'output', priority: filter },
        rules: [{ name: 'to this machine', text: 'oifname "lo" accept' }, onlyByItsBridge],
      },
      {
        name: 'way-out',
        base: { type: 'nat', hook: 'postrouting', priority: afterNat },
        rules: [
          { name: 'within its network', text: 'oifname @bridges accept' },
          {
            name: 'as this machine',
            text: 'ip saddr @networks ip daddr != @networks ip daddr != 224.0.0.0/4 masquerade',
          },
        ],
      },
    ],
  }
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)]
}

/** @throws Error when it is no name of an interface that nft can be told */
function quoted(name: string): string {
  if (!/^[\w.:@-]{1,15}$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of an interface`)
  return `"${name}"`
}

/** @throws Error when it is no IPv4 network */
function network(cidr: string): string {
  const parsed = parseIpv4Network(cidr)
  if (parsed === undefined) throw new Error(`${JSON.stringify(cidr)} is no IPv4 network`)
  return `${formatIpv4(parsed.base)}/${parsed.prefix}`
}
