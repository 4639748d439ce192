import { formatIpv4, ipv4Broadcast, ipv4Contains, parseIpv4, parseIpv4Network } from '../core/cidr.ts'
import type { Fault } from '../core/errors.ts'
import { parseImageReference } from '../omada/image-reference.ts'
import { controllerPorts, embeddedDatabasePort } from '../omada/ports.ts'
import type { Config } from './schema.ts'

/** A rule about several keys. It runs when each of `keys` is fine by itself. */
export interface CrossCheck {
  readonly keys: readonly string[]
  run(config: Config): readonly Fault[]
}

/** Rules that no single key's schema can state. */
export const crossChecks: readonly CrossCheck[] = [
  { keys: ['network.subnet', 'network.controllerAddress'], run: checkControllerAddress },
  { keys: ['proxy.ports'], run: ({ proxy }) => checkTwice('proxy.ports', proxy.ports) },
  { keys: ['discovery.ports'], run: ({ discovery }) => checkTwice('discovery.ports', discovery.ports) },
  { keys: ['proxy.ports', 'status.port'], run: checkStatusPort },
  { keys: ['proxy.ports'], run: checkDatabasePort },
  { keys: ['controller.dataVolume', 'controller.logsVolume'], run: checkVolumes },
  { keys: ['controller.memory'], run: checkMemory },
  { keys: ['controller.environment'], run: checkEnvironment },
]

/** What is accepted but probably not what the user wants. */
export function warningsOf(config: Config): readonly Fault[] {
  const reference = parseImageReference(config.controller.image)
  if (reference?.tag !== 'latest' || reference.digest !== undefined) return []
  return [
    {
      code: 'IMAGE_TAG_LATEST',
      message: `controller.image is ${config.controller.image}: the tag latest stays on version 5 of the controller`,
      remedy: 'pin a minor version, such as docker.io/mbentley/omada-controller:6.2',
    },
  ]
}

function checkControllerAddress({ network }: Config): readonly Fault[] {
  const subnet = parseIpv4Network(network.subnet)
  const address = parseIpv4(network.controllerAddress)
  if (subnet === undefined || address === undefined) return []
  // Both engines give the bridge the first address unless told otherwise.
  const gateway = subnet.base + 1
  const problem = !ipv4Contains(subnet, address)
    ? 'is outside of it'
    : address === subnet.base
      ? "is the network's own address"
      : address === gateway
        ? "is the bridge's address"
        : address === ipv4Broadcast(subnet)
          ? 'is its broadcast address'
          : undefined
  if (problem === undefined) return []
  const last = formatIpv4(ipv4Broadcast(subnet) - 1)
  return [
    invalid(
      `network.controllerAddress is ${network.controllerAddress}, which ${problem} (network.subnet ${network.subnet})`,
      `set network.controllerAddress to an address from ${formatIpv4(gateway + 1)} to ${last}`,
    ),
  ]
}

function checkTwice(path: string, ports: readonly number[]): readonly Fault[] {
  const twice = [...new Set(ports.filter((port, index) => ports.indexOf(port) !== index))]
  return twice.map((port) => invalid(`${path} lists ${port} more than once`, `list ${port} once in ${path}`))
}

function checkStatusPort({ proxy, status }: Config): readonly Fault[] {
  if (!proxy.ports.includes(status.port)) return []
  return [
    invalid(
      `status.port is ${status.port}, which proxy.ports lists too: only one of them can listen there`,
      'set status.port to a port that the controller does not use, such as 8090',
    ),
  ]
}

function checkDatabasePort({ proxy }: Config): readonly Fault[] {
  if (!proxy.ports.includes(embeddedDatabasePort)) return []
  return [
    invalid(
      `proxy.ports lists ${embeddedDatabasePort}, the controller's database, which listens inside the container only`,
      `take ${embeddedDatabasePort} out of proxy.ports`,
    ),
  ]
}

function checkVolumes({ controller }: Config): readonly Fault[] {
  if (controller.dataVolume !== controller.logsVolume) return []
  return [
    invalid(
      `controller.dataVolume and controller.logsVolume are both ${controller.dataVolume}`,
      'give the data and the logs a volume each, such as omada-data and omada-logs',
    ),
  ]
}

function checkMemory({ controller: { memory } }: Config): readonly Fault[] {
  if (typeof memory === 'string' || memory.limitMegabytes === undefined) return []
  const sum = memory.heapMegabytes + memory.databaseCacheMegabytes
  if (memory.limitMegabytes >= sum) return []
  return [
    invalid(
      `controller.memory.limitMegabytes is ${memory.limitMegabytes}, less than heap and database cache together (${sum})`,
      `set controller.memory.limitMegabytes above ${sum}, or use controller.memory auto`,
    ),
  ]
}

/** What the appliance sets itself, and the key that decides about it. */
const ownVariables = new Map<string, string>([
  ...controllerPorts.flatMap(({ variable }): [string, string][] =>
    variable === undefined ? [] : [[variable, 'nothing: clients must see the port that the controller was made for']],
  ),
  ['TZ', 'controller.timezone'],
  ['MONGO_EXTERNAL', 'mongo.uri'],
  ['EAP_MONGOD_URI', 'mongo.uri'],
])

function checkEnvironment({ controller }: Config): readonly Fault[] {
  return Object.keys(controller.environment).flatMap((name) => {
    const instead = ownVariables.get(name)
    if (instead === undefined) return []
    return [
      invalid(
        `controller.environment sets ${name}, which omada-host sets itself`,
        `take ${name} out of controller.environment; what decides it is ${instead}`,
      ),
    ]
  })
}

function invalid(message: string, remedy: string): Fault {
  return { code: 'CONFIG_INVALID', message, remedy }
}
