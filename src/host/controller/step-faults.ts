import { ApplianceError } from '../../core/errors.ts'
import type { EngineKind } from '../engine/engine.ts'

/** The error of a network that was not created: the engine's words, or that its subnet is taken. */
export function asSubnetClash(error: unknown, subnet: string): unknown {
  const clash = error instanceof ApplianceError && /subnet .*already (?:used|in use)|pool overlaps/i.test(error.message)
  if (!clash) return error
  return new ApplianceError(
    {
      code: 'SUBNET_CLASH',
      message: `network.subnet ${subnet} is taken: ${error.message}`,
      remedy: 'set network.subnet and network.controllerAddress to a network that nothing else uses',
    },
    { cause: error },
  )
}

/** The error of a network that was not removed: the engine's words, or that others are on it. */
export function asNetworkInUse(error: unknown, name: string, kind: EngineKind): unknown {
  if (!(error instanceof ApplianceError) || error.code !== 'ENGINE_REQUEST') return error
  return new ApplianceError(
    {
      code: 'NETWORK_MISMATCH',
      message: `the network ${name} has another subnet than network.subnet, and cannot be made anew: ${error.message}`,
      remedy: `take the other containers off it (${kind} network inspect ${name}), or set network.name to another name`,
    },
    { cause: error },
  )
}

/** What netavark says on Podman 5 when something listens on port 53 of every address, as Pi-hole does by default. */
const nameServerBlocked = /aardvark-dns failed|udp listener on \S+:53\b/i

export function isNameServerBlocked(error: unknown): error is ApplianceError {
  return error instanceof ApplianceError && nameServerBlocked.test(error.message)
}

/** The error of a container that did not start: the engine's words, or that its port 53 or its address is taken. */
export function asAddressTaken(error: unknown): unknown {
  if (isNameServerBlocked(error)) {
    return new ApplianceError(
      {
        code: 'PORT_IN_USE',
        message: `Podman's name server for the container's network cannot have port 53 of the bridge: ${error.message}`,
        remedy:
          "take other containers off the network and remove it (podman network rm), it is then made without; or let this machine's own DNS server listen on its own addresses only (dnsmasq, Pi-hole: bind-interfaces; AdGuard Home: dns.bind_hosts)",
      },
      { cause: error },
    )
  }
  const taken =
    error instanceof ApplianceError && /ip address .*already allocated|Address already in use/i.test(error.message)
  if (!taken) return error
  return new ApplianceError(
    {
      code: 'NETWORK_MISMATCH',
      message: `network.controllerAddress is held by another container: ${error.message}`,
      remedy: 'remove that container from the network, or set network.controllerAddress to another address',
    },
    { cause: error },
  )
}
