import type { EdgeConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { AccessPolicy } from '../../network/access.ts'
import type { ControllerLink } from '../../network/controller-link.ts'
import type { Routing } from '../../network/routes.ts'

/** How long what went wrong with a datagram counts as being wrong, so that the next one like it is no news. */
export const troubleMilliseconds = 60_000

/** What discovery needs of the rest of the edge. */
export interface DiscoveryDependencies {
  live(): Pick<LiveConfig, 'discovery'>
  /** The subnet of the container's bridge, in CIDR notation. */
  bridgeSubnet(): string
  readonly controllerAddress: ControllerLink
  readonly routing: Pick<Routing, 'addresses' | 'isOwn' | 'localAddressTowards'>
  /** The policy of the role *devices*. */
  readonly access: AccessPolicy
  /** What discovery tells of what goes wrong in it. */
  readonly warnings: WarningSource
  /** This controller's id; undefined until it is known. */
  omadacId(): string | undefined
  /** Connections to TCP 29814 of one client address. `lastRefusal`: why the latest one was not let through. */
  managementConnections(address: string): { readonly open: number; readonly lastRefusal?: string }
}

export interface DiscoveryOptions {
  readonly config: EdgeConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly dependencies: DiscoveryDependencies
}
