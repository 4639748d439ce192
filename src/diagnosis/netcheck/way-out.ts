import { formatIpv4, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import { diversion, readRoutingRules, type Way, wayTo } from '../../network/way.ts'
import { type Check, type CheckResult, fail, ok, unknown } from '../finding.ts'

/** By which way answers to a network leave: a VPN's policy routing may take them elsewhere. */
export function wayOut(network: BroadcastNetwork): Check {
  return {
    name: 'way out',
    run: async (signal) => {
      const question = `could not measure by which way answers to ${network.interface} leave`
      const neighbour = neighbourIn(network)
      if (neighbour === undefined) return [unknown(`${question}: nobody else fits into ${subnetOf(network)}`)]
      try {
        const way = await wayTo(neighbour, { from: network.address, signal })
        const rules = way?.interface === network.interface ? [] : await readRoutingRules(signal)
        return [judgeWayOut(network, way, rules)]
      } catch (error) {
        signal.throwIfAborted()
        return [unknown(`${question}: ${error instanceof Error ? error.message : error}`, 'apt-get install iproute2')]
      }
    },
  }
}

/** @param way by which Linux sends to another address of the network */
export function judgeWayOut(
  network: BroadcastNetwork,
  way: Way | undefined,
  rules: Parameters<typeof diversion>[2],
): CheckResult {
  const subnet = subnetOf(network)
  const from = `answers from ${network.address} to ${subnet}`
  const found = diversion({ subnet, interface: network.interface, there: true }, way, rules)
  if (found !== undefined) {
    return fail(
      `${from} do not leave by ${network.interface}: Linux ${found.how.replace(' it', ' them')}`,
      found.remedy ?? `give ${network.interface} its route back: ip route add ${subnet} dev ${network.interface}`,
    )
  }
  if (way === undefined) {
    return fail(
      `no route leads to ${subnet}: nobody there gets an answer`,
      `ip route add ${subnet} dev ${network.interface}`,
    )
  }
  return ok(`${from} leave by ${network.interface}`)
}

function subnetOf({ address, prefix }: BroadcastNetwork): string {
  const network = parseIpv4Network(`${address}/${prefix}`)
  return network === undefined ? `${address}/${prefix}` : `${formatIpv4(network.base)}/${prefix}`
}

/** An address of the network other than ours. */
function neighbourIn({ address, prefix }: BroadcastNetwork): string | undefined {
  const own = parseIpv4(address)
  const network = parseIpv4Network(`${address}/${prefix}`)
  if (own === undefined || network === undefined || prefix > 30) return undefined
  return formatIpv4(network.base + (own === network.base + 1 ? 2 : 1))
}
