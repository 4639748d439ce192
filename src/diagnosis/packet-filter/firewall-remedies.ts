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
      return perProtocol(ports, ':', (protocol, ranges) => `ufw allow ${ranges.join(',')}/${protocol}`).join('; ')
    case 'firewalld': {
      const added = perProtocol(ports, '-', (protocol, ranges) =>
        ranges.map((range) => `--add-port=${range}/${protocol}`).join(' '),
      )
      const options = installed.firewalldService && isDescribed ? ['--add-service=omada-host'] : added
      return `firewall-cmd --permanent ${options.join(' ')} && firewall-cmd --reload (with --zone=… where ${network.interface} is not in the default zone)`
    }
    case 'iptables':
      return perProtocol(ports, ':', (protocol, ranges) => {
        const matches = `-p ${protocol} -m multiport --dports ${ranges.join(',')}`
        return `iptables -I INPUT -i ${network.interface} ${matches} -j ACCEPT`
      }).join('; ')
    case 'nftables': {
      const place = `${owner.family} ${owner.table} ${owner.chain} iifname "${network.interface}"`
      const commands = perProtocol(ports, '-', (protocol, ranges) => {
        return `nft 'insert rule ${place} ${protocol} dport { ${ranges.join(', ')} } accept'`
      })
      return `${commands.join('; ')}; keep it in the file that the rules are loaded from (/etc/nftables.conf)`
    }
  }
}

/** Names a port, for a look-up. */
export function keyOf({ protocol, port }: PortKey): string {
  return `${protocol}/${port}`
}

/** `UDP 27001, 29810 and TCP 29811-29817` */
export function portList(ports: readonly PortKey[]): string {
  const told = perProtocol(ports, '-', (protocol, ranges) => `${protocol.toUpperCase()} ${ranges.join(', ')}`)
  return told.join(' and ')
}

/** What `say` makes of the ports of each protocol that has any: in order, neighbours as a range with this sign. */
function perProtocol(
  ports: readonly PortKey[],
  sign: '-' | ':',
  say: (protocol: PortKey['protocol'], ranges: readonly string[]) => string,
): string[] {
  return (['udp', 'tcp'] as const).flatMap((protocol) => {
    const numbers = ports.filter((port) => port.protocol === protocol).map(({ port }) => port)
    const ranges: [number, number][] = []
    for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
      const last = ranges.at(-1)
      if (last !== undefined && last[1] === number - 1) last[1] = number
      else ranges.push([number, number])
    }
    const texts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}${sign}${last}`))
    return texts.length === 0 ? [] : [say(protocol, texts)]
  })
}
