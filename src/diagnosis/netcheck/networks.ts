import { type AppliancePort, appliancePorts } from '../../config/appliance-ports.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { Emitter } from '../../core/emitter.ts'
import { networkAccess } from '../../network/access.ts'
import { type BroadcastNetwork, broadcastNetworks } from '../../network/broadcast-networks.ts'
import type { LocalAddress, LocalAddresses } from '../../network/interfaces.ts'
import { Routing } from '../../network/routes.ts'
import type { Role } from '../../omada/ports.ts'

/** A network that this machine serves: to whom, and the ports that they need. */
export interface ServedNetwork {
  readonly network: BroadcastNetwork
  readonly roles: ReadonlySet<Role>
  readonly ports: readonly AppliancePort[]
}

/** The networks on which anything is served, by this machine's addresses as they are now. */
export function servedNetworks(
  config: Config,
  options: { addresses: readonly LocalAddress[]; clock: Clock; readRoutes?: () => string },
): readonly ServedNetwork[] {
  const addresses: LocalAddresses = { list: () => options.addresses, changed: new Emitter() }
  const routing = new Routing({ ...options, addresses })
  const found = new Map<string, { network: BroadcastNetwork; roles: Set<Role> }>()
  for (const role of ['devices', 'management', 'guests'] as const) {
    const access = networkAccess({ list: () => config.access[role], routing })
    for (const network of broadcastNetworks(options.addresses, access, config.network.subnet)) {
      const key = `${network.interface} ${network.address}`
      const entry = found.get(key) ?? { network, roles: new Set() }
      entry.roles.add(role)
      found.set(key, entry)
    }
  }
  const ports = appliancePorts(config)
  return [...found.values()].map(({ network, roles }) => ({
    network,
    roles,
    ports: ports.filter((port) => port.roles.some((role) => roles.has(role))),
  }))
}
