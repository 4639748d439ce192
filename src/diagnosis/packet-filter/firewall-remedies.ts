import { appliancePorts, type PortKey } from '../../config/appliance-ports.ts'
import { configSchema } from '../../config/schema.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import type { FilterFacts } from './filter-reader.ts'
import type { FilterOwner } from './rules.ts'

/** The ports that our firewalld service and our ufw profile describe: the defaults. */
const described = new Set(appliancePorts(configSchema.parse({})).map(keyOf))

/** The command that opens the ports, in the program that owns the rule. */
export function openingCommand(
  owner: FilterOwner,
  network: BroadcastNetwork,
  ports: readonly PortKey[],
  installed: Pick<FilterFacts, 'ufwProfile' | 'firewalldService'>,
): string {
  const isDescribed = ports.every((port) => described.has(keyOf(port)))
  switch (owner.tool) {
    case 'ufw':
      if (installed.ufwProfile && isDescribed) return 'ufw allow omada-host'
      return each(ports, (protocol) => `ufw allow ${rangesOf(ports, protocol, ':').join(',')}/${protocol}`)
    case 'firewalld':
      return `${openFirewalld(ports, installed.firewalldService && isDescribed)} && firewall-cmd --reload (with --zone=… where ${network.interface} is not in the default zone)`
    case 'iptables':
      return each(ports, (protocol) => {
        const list = rangesOf(ports, protocol, ':').join(',')
        return `iptables -I INPUT -i ${network.interface} -p ${protocol} -m multiport --dports ${list} -j ACCEPT`
      })
    case 'nftables':
      return each(ports, (protocol) => {
        const list = rangesOf(ports, protocol, '-').join(', ')
        const place = `${owner.family} ${owner.table} ${owner.chain}`
        return `nft 'insert rule ${place} iifname "${network.interface}" ${protocol} dport { ${list} } accept'`
      }).concat('; keep it in the file that the rules are loaded from (/etc/nftables.conf)')
  }
}

function openFirewalld(ports: readonly PortKey[], service: boolean): string {
  if (service) return 'firewall-cmd --permanent --add-service=omada-host'
  const options = (['udp', 'tcp'] as const).flatMap((protocol) =>
    rangesOf(ports, protocol, '-').map((range) => `--add-port=${range}/${protocol}`),
  )
  return `firewall-cmd --permanent ${options.join(' ')}`
}

function each(ports: readonly PortKey[], command: (protocol: PortKey['protocol']) => string): string {
  return (['udp', 'tcp'] as const)
    .filter((protocol) => ports.some((port) => port.protocol === protocol))
    .map(command)
    .join('; ')
}

/** Names a port, for a look-up. */
export function keyOf({ protocol, port }: PortKey): string {
  return `${protocol}/${port}`
}

/** `UDP 27001, 29810 and TCP 29811-29817` */
export function portList(ports: readonly PortKey[]): string {
  return (['udp', 'tcp'] as const)
    .map((protocol) => ({ protocol, ranges: rangesOf(ports, protocol, '-') }))
    .filter(({ ranges }) => ranges.length > 0)
    .map(({ protocol, ranges }) => `${protocol.toUpperCase()} ${ranges.join(', ')}`)
    .join(' and ')
}

/** The ports of one protocol in order, neighbours as a range with this sign. */
function rangesOf(ports: readonly PortKey[], protocol: PortKey['protocol'], sign: '-' | ':'): string[] {
  const numbers = ports.filter((port) => port.protocol === protocol).map(({ port }) => port)
  const ranges: [number, number][] = []
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}${sign}${last}`))
}
