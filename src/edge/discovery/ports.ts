import type { LiveConfig } from '../../config/schema.ts'
import type { AccessPolicy } from '../../network/access.ts'
import type { ControllerLink } from '../../network/controller-link.ts'
import type { Routing } from '../../network/routes.ts'

/** What discovery needs of the rest of the edge. */
export interface DiscoveryPorts {
  live(): LiveConfig
  /** The subnet of the container's bridge, in CIDR notation. */
  bridgeSubnet(): string
  readonly controllerAddress: ControllerLink
  readonly routing: Pick<Routing, 'addresses' | 'isOwn' | 'localAddressTowards'>
  /** The policy of the role *devices*. */
  readonly access: AccessPolicy
  /** This controller's id; undefined until it is known. */
  omadacId(): string | undefined
  /** Connections to TCP 29814 of one client address. `lastRefusal`: why the latest one was not let through. */
  managementConnections(address: string): { readonly open: number; readonly lastRefusal?: string }
}

/** One datagram from the LAN. */
export interface Datagram {
  readonly payload: Buffer
  readonly address: string
  readonly port: number
  /** The discovery port on which it arrived. */
  readonly discoveryPort: number
  /** The address of ours to which it was sent; undefined when it came by the wildcard socket: a broadcast. */
  readonly localAddress: string | undefined
}

/** Whom an answer goes to, and what is known of where it asked. */
export type Correspondent = Pick<Datagram, 'address' | 'discoveryPort' | 'localAddress'>

/** The wildcard address, on which broadcasts arrive. */
export const wildcard = '0.0.0.0'
