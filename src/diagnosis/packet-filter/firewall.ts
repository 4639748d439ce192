import type { PortKey } from '../../config/appliance-ports.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { managementPort } from '../../omada/ports.ts'
import { type Check, type CheckResult, failed, ok, unknown } from '../finding.ts'
import type { FilterFacts } from './filter-reader.ts'
import { keyOf, openingCommand, portList } from './firewall-remedies.ts'
import { type BaseChain, type Fate, fateIn, type Packet } from './rules.ts'

/** Whether this machine's packet filter lets the network's devices and browsers reach these ports. */
export function firewallCheck(network: BroadcastNetwork, ports: readonly PortKey[], filter: FilterFacts): Check {
  return { name: 'firewall', run: () => results(network, ports, filter) }
}

function results(network: BroadcastNetwork, ports: readonly PortKey[], filter: FilterFacts): readonly CheckResult[] {
  const judged = ports.flatMap(({ protocol, port }) => {
    // Devices announce themselves by broadcast, and by unicast where they were told an address.
    const destinations = protocol === 'udp' ? (['local', 'broadcast'] as const) : (['local'] as const)
    return destinations.map((destination) => {
      const packet: Packet = { ...network, protocol, port, destination }
      return { packet, ...judge(filter.chains, packet) }
    })
  })
  const byChain = Map.groupBy(judged, ({ fate, by }) => (fate === 'blocked' ? by : undefined))
  const blocked = [...byChain].flatMap(([by, entries]) => {
    if (by === undefined) return []
    const message = `${toolOf(by)} drops what arrives on ${network.interface} for ${told(entries)}`
    const packets = entries.map(({ packet }) => packet)
    return [failed({ code: 'FIREWALL_BLOCKS', message, remedy: openingCommand(by.owner, network, packets, filter) })]
  })
  const unclear = judged.filter(({ fate }) => fate === 'maybe')
  const found = unclear.length === 0 ? blocked : [...blocked, unclearResult(network, unclear)]
  if (filter.unread.length > 0) return [...found, unreadResult(network, filter.unread)]
  if (found.length > 0) return found
  const where = network.interface
  return [ok(`on ${where} no rule of this machine's packet filter drops what arrives for ${portList(ports)}`)]
}

/** Whether a datagram from the network to this port of this machine is sure to be let in. */
export function letsIn(network: BroadcastNetwork, port: number, filter: FilterFacts): boolean {
  const packet: Packet = { ...network, protocol: 'udp', port, destination: 'local' }
  return filter.unread.length === 0 && judge(filter.chains, packet).fate === 'open'
}

interface Judgement {
  readonly fate: Fate
  /** The chain that decided, unless every one lets the packet pass. */
  readonly by: BaseChain | undefined
}

interface Judged extends Judgement {
  readonly packet: Packet
}

/** Every base chain must let the packet pass. */
function judge(chains: readonly BaseChain[], packet: Packet): Judgement {
  const fates = chains.map((chain) => ({ chain, fate: fateIn(chain, packet) }))
  const worst = fates.find(({ fate }) => fate === 'blocked') ?? fates.find(({ fate }) => fate === 'maybe')
  return { fate: worst?.fate ?? 'open', by: worst?.chain }
}

function unclearResult(network: BroadcastNetwork, entries: readonly Judged[]): CheckResult {
  const tools = [...new Set(entries.flatMap(({ by }) => (by === undefined ? [] : [toolOf(by)])))].join(', ')
  return unknown(
    `could not measure on ${network.interface} whether ${told(entries)} may pass: that depends on rules of ${tools} that this check does not understand`,
    `nft list ruleset shows the rules; from another machine of that network: nc -vz ${network.address} ${managementPort}`,
  )
}

function unreadResult(network: BroadcastNetwork, unread: readonly string[]): CheckResult {
  return unknown(
    `could not measure on ${network.interface} all that the packet filter does: ${unread.join('; ')}`,
    'run it as root, and where nft is missing install it (apt install nftables): sudo omada-host netcheck',
  )
}

function toolOf({ owner }: BaseChain): string {
  if (owner.tool !== 'nftables') return owner.tool
  return `nftables (table ${owner.family} ${owner.table}, chain ${owner.chain})`
}

/** UDP ports of which broadcasts alone, or unicasts alone, are concerned are told so. */
function told(entries: readonly Judged[]): string {
  const packets = entries.map(({ packet }) => packet)
  const concerned = (port: Packet) => {
    const same = packets.filter((packet) => keyOf(packet) === keyOf(port))
    if (port.protocol === 'tcp' || same.some(({ destination }) => destination !== port.destination)) return ''
    return port.destination === 'broadcast' ? 'broadcasts to ' : 'unicasts to '
  }
  const groups = Map.groupBy(packets, concerned)
  return (['', 'broadcasts to ', 'unicasts to '] as const)
    .flatMap((kind) => {
      const ports = groups.get(kind)
      return ports === undefined ? [] : [`${kind}${portList(ports)}`]
    })
    .join(' and ')
}
