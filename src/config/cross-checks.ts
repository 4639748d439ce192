import { formatIpv4, ipv4Broadcast, ipv4Contains, parseIpv4, parseIpv4Network } from '../core/cidr.ts'
import type { Fault } from '../core/errors.ts'
import { databaseUriProblem } from '../omada/database-uri.ts'
import { parseImageReference } from '../omada/image-reference.ts'
import { embeddedDatabasePort, portVariables } from '../omada/ports.ts'
import { variableProblem } from '../omada/variables.ts'
import type { Config } from './schema.ts'

/** A rule about several keys. It runs when each of `keys` is fine by itself. */
export interface CrossCheck {
  readonly keys: readonly string[]
  run(config: Config): Iterable<Fault>
}

/** What the appliance sets itself, and the key that decides about it. */
const ownVariables = new Map<string, string>([
  ...Object.keys(portVariables).map((variable): [string, string] => [
    variable,
    'nothing: clients must see the port that the controller was made for',
  ]),
  ['TZ', 'controller.timezone'],
  ['MONGO_EXTERNAL', 'mongo.uri'],
  ['EAP_MONGOD_URI', 'mongo.uri'],
  ['ROOTLESS', 'nothing: the image starts as root in its container, and gives its rights away itself'],
  ...['SSL_CERT_NAME', 'SSL_KEY_NAME'].map((variable): [string, string] => [
    variable,
    'controller.certificateDirectory, in which the files are called tls.crt and tls.key',
  ]),
])

/** Rules that no single key's schema can state. */
export const crossChecks: readonly CrossCheck[] = [
  { keys: ['network.subnet', 'network.controllerAddress'], run: checkControllerAddress },
  { keys: ['proxy.ports'], run: ({ proxy }) => checkTwice('proxy.ports', proxy.ports) },
  { keys: ['discovery.ports'], run: ({ discovery }) => checkTwice('discovery.ports', discovery.ports) },
  {
    keys: ['proxy.ports', 'status.port'],
    *run({ proxy, status }) {
      if (!proxy.ports.includes(status.port)) return
      yield invalid(
        `status.port is ${status.port}, which proxy.ports lists too: only one of them can listen there`,
        'set status.port to a port that the controller does not use, such as 8090',
      )
    },
  },
  {
    keys: ['proxy.ports'],
    *run({ proxy }) {
      if (!proxy.ports.includes(embeddedDatabasePort)) return
      yield invalid(
        `proxy.ports lists ${embeddedDatabasePort}, the controller's database, which listens inside the container only`,
        `take ${embeddedDatabasePort} out of proxy.ports`,
      )
    },
  },
  {
    keys: ['controller.dataVolume', 'controller.logsVolume'],
    *run({ controller }) {
      if (controller.dataVolume !== controller.logsVolume) return
      yield invalid(
        `controller.dataVolume and controller.logsVolume are both ${controller.dataVolume}`,
        'give the data and the logs a volume each, such as omada-data and omada-logs',
      )
    },
  },
  {
    keys: ['controller.memory'],
    *run({ controller: { memory } }) {
      if (typeof memory === 'string' || memory.limitMegabytes === undefined) return
      const sum = memory.heapMegabytes + memory.databaseCacheMegabytes
      if (memory.limitMegabytes >= sum) return
      yield invalid(
        `controller.memory.limitMegabytes is ${memory.limitMegabytes}, less than heap and database cache together (${sum})`,
        `set controller.memory.limitMegabytes above ${sum}, or use controller.memory auto`,
      )
    },
  },
  {
    keys: ['controller.environment'],
    *run({ controller }) {
      for (const [name, value] of Object.entries(controller.environment)) {
        const instead = ownVariables.get(name)
        const accepts = variableProblem(name, value)
        if (instead !== undefined) {
          yield invalid(
            `controller.environment sets ${name}, which omada-host sets itself`,
            `take ${name} out of controller.environment; what decides it is ${instead}`,
          )
        } else if (accepts !== undefined) {
          yield invalid(
            `controller.environment sets ${name} to what the image does not take for what it says (not shown: secret)`,
            `set ${name} in controller.environment to ${accepts}, or take it out`,
          )
        }
      }
    },
  },
  {
    keys: ['mongo.uri'],
    *run({ mongo }) {
      const problem = mongo.uri === undefined ? undefined : databaseUriProblem(mongo.uri)
      if (problem === undefined) return
      yield invalid(
        `mongo.uri is not read alike by the controller and by omada-host: ${problem}`,
        'correct mongo.uri, then try: omada-host config check',
      )
    },
  },
]

/** What is accepted but probably not what the user wants. */
export function warningsOf(config: Config): readonly Fault[] {
  const reference = parseImageReference(config.controller.image)
  if (reference?.tag !== 'latest' || reference.digest !== undefined) return []
  return [
    {
      code: 'IMAGE_TAG_LATEST',
      message: `controller.image is ${config.controller.image}: the tag latest stays on version 5 of the controller`,
      remedy: 'pin a minor version, such as docker.io/mbentley/omada-controller:6.3',
    },
  ]
}

function* checkControllerAddress({ network }: Config): Iterable<Fault> {
  const subnet = parseIpv4Network(network.subnet)
  const address = parseIpv4(network.controllerAddress)
  if (subnet === undefined || address === undefined) return
  // Both engines give the bridge the first address unless told otherwise.
  const gateway = subnet.base + 1
  const broadcast = ipv4Broadcast(subnet)
  const reserved = new Map([
    [subnet.base, "is the network's own address"],
    [gateway, "is the bridge's address"],
    [broadcast, 'is its broadcast address'],
  ])
  const problem = ipv4Contains(subnet, address) ? reserved.get(address) : 'is outside of it'
  if (problem === undefined) return
  yield invalid(
    `network.controllerAddress is ${network.controllerAddress}, which ${problem} (network.subnet ${network.subnet})`,
    `set network.controllerAddress to an address from ${formatIpv4(gateway + 1)} to ${formatIpv4(broadcast - 1)}`,
  )
}

function* checkTwice(path: string, ports: readonly number[]): Iterable<Fault> {
  for (const port of new Set(ports.filter((port, index) => ports.indexOf(port) !== index))) {
    yield invalid(`${path} lists ${port} more than once`, `list ${port} once in ${path}`)
  }
}

function invalid(message: string, remedy: string): Fault {
  return { code: 'CONFIG_INVALID', message, remedy }
}
