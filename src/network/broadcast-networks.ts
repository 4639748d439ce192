import { formatIpv4, ipv4Broadcast, ipv4Contains, parseIpv4, parseIpv4Network } from '../core/cidr.ts'
import type { AccessPolicy } from './access.ts'
import type { LocalAddress } from './interfaces.ts'

/** An IPv4 network that this machine has an address on and that knows broadcasts. */
export interface BroadcastNetwork {
  readonly interface: string
  /** This machine's address on it. */
  readonly address: string
  readonly prefix: number
  /** The network's own broadcast address. */
  readonly broadcast: string
}

/**
 * Bridges of container engines' networks, as Docker and Podman (netavark, CNI) name them: containers are behind them, and
 * no devices. A user's own name for one is not known here.
 */
const containerBridge = /^(?:docker0|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-podman\d+)$/

/**
 * The networks on which a role is served, by this machine's addresses; those of `excluded` (the container's bridge, in
 * CIDR notation), other containers' bridges and the loopback left out, and point-to-point links, which have no broadcast
 * address.
 */
export function broadcastNetworks(
  addresses: readonly LocalAddress[],
  access: AccessPolicy,
  excluded: string,
): readonly BroadcastNetwork[] {
  const bridge = parseIpv4Network(excluded)
  return addresses.flatMap((local) => {
    const value = parseIpv4(local.address)
    if (value === undefined || local.internal || local.prefix > 30) return []
    if (containerBridge.test(local.interface)) return []
    if (bridge !== undefined && ipv4Contains(bridge, value)) return []
    const network = parseIpv4Network(`${local.address}/${local.prefix}`)
    if (network === undefined) return []
    const broadcast = formatIpv4(ipv4Broadcast(network))
    // The broadcast address stands for the network's clients: this machine's own address is admitted everywhere.
    if (!access.admits({ localAddress: local.address, remoteAddress: broadcast })) return []
    return [{ interface: local.interface, address: local.address, prefix: local.prefix, broadcast }]
  })
}
