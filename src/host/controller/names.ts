import { formatIpv4, parseIpv4Network } from '../../core/cidr.ts'
import { isLoopback, type MachineNames } from '../../linux/name-servers.ts'
import type { EngineKind } from '../engine/engine.ts'

/** How the controller gets to know the addresses of names. It needs none of other containers. */
export interface NamePlan {
  /** Whether Podman is to serve names on port 53 of the bridge, by asking whom this machine asks. */
  readonly nameServer: boolean
  /** Whom the controller asks; undefined leaves it to the engine. */
  readonly servers?: readonly string[]
}

/**
 * With Podman the controller asks this machine's own name servers, and port 53 of the bridge stays free for a Pi-hole that
 * listens everywhere: it would keep Podman's name server from starting, or the other way round. Where the machine asks
 * only itself by the loopback, which a container cannot, the controller asks it by the bridge when it listens there, and
 * Podman's name server when it does not; Podman by itself would have it ask Google. Docker resolves names in the
 * container's namespace, by whom the machine asks. Pure.
 */
export function planNames(engine: EngineKind, { servers, served }: MachineNames, subnet: string): NamePlan {
  const onlyItself = servers.length > 0 && servers.every(isLoopback)
  if (engine === 'docker' || !onlyItself) return { nameServer: false }
  const gateway = parseIpv4Network(subnet)
  if (!served || gateway === undefined) return { nameServer: true }
  return { nameServer: false, servers: [formatIpv4(gateway.base + 1)] }
}
