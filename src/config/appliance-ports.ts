import { type Role, rolesOf } from '../omada/ports.ts'
import type { Config } from './schema.ts'

/** A port of this machine. */
export interface PortKey {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** A port that this machine serves, and whom. */
export interface AppliancePort extends PortKey {
  readonly roles: readonly Role[]
}

/** Every port that the edge listens on for the network: the controller's and the status page's. */
export function appliancePorts(config: Config): readonly AppliancePort[] {
  return [
    ...config.discovery.ports.map((port) => ({ protocol: 'udp' as const, port, roles: ['devices'] as const })),
    ...config.proxy.ports.map((port) => ({ protocol: 'tcp' as const, port, roles: rolesOf(port) })),
    { protocol: 'tcp', port: config.status.port, roles: ['management'] },
  ]
}
