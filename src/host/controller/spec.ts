import { createHash } from 'node:crypto'
import type { HostConfig } from '../../config/schema.ts'
import { formatIpv4, parseIpv4Network } from '../../core/cidr.ts'
import { isLoopback, type MachineNames } from '../../linux/name-servers.ts'
import { imageEnvironment } from '../../omada/environment.ts'
import {
  certificateDirectory,
  dataDirectory,
  logsDirectory,
  openFilesLimit,
  processLimit,
} from '../../omada/image-contract.ts'
import { planMemory } from '../../omada/memory.ts'
import type { ContainerSpec, EngineInfo, EngineKind, Mount, NetworkSpec } from '../engine/engine.ts'
import type { MachineFacts } from './machine.ts'

/** Labels on what we make. The hash tells whether a container is as the configuration wants it; its absence, that it is not ours. */
export const labels = { spec: 'omada-host.spec', version: 'omada-host.version' } as const

/** How much of the container's own log the engine keeps, in megabytes. The controller's full logs are in its volume. */
const logMegabytes = 20

/** The container and the network that the configuration asks for on this machine. */
export interface Desired {
  /** Whose commands are named in remedies. */
  readonly engine: EngineKind
  readonly container: ContainerSpec
  readonly network: NetworkSpec
}

/**
 * What is wanted, from the configuration, the machine and what its engine can do. Pure.
 * @throws ApplianceError MEMORY_LOW
 */
export function desiredState(options: {
  config: HostConfig
  /** How long the controller may take to stop. */
  stopGraceSeconds: number
  machine: Pick<MachineFacts, 'memoryMegabytes' | 'timezone'>
  engine: Pick<EngineInfo, 'kind' | 'memoryLimit'>
  names: MachineNames
  version: string
}): Desired {
  const { config, machine, engine, names, version, stopGraceSeconds } = options
  const { controller, network } = config
  const { nameServer, ...nameServers } = planNames(engine.kind, names, network.subnet)
  const memory = planMemory({
    memory: controller.memory,
    machineMegabytes: machine.memoryMegabytes,
    externalDatabase: config.mongo.uri !== undefined,
    limitPossible: engine.memoryLimit,
  })
  const runtime = engine.kind === 'docker' ? config.engine.runtime : undefined
  const unlabelled: Omit<ContainerSpec, 'labels'> = {
    name: controller.name,
    image: controller.image,
    environment: imageEnvironment({
      timezone: controller.timezone ?? machine.timezone,
      proxyPorts: config.proxy.ports,
      memory,
      databaseUri: config.mongo.uri,
      user: controller.environment,
    }),
    mounts: mounts(config),
    network: network.name,
    address: network.controllerAddress,
    ulimits: { nofile: openFilesLimit, nproc: processLimit },
    stopTimeoutSeconds: stopGraceSeconds,
    init: controller.init,
    logMegabytes,
    ...nameServers,
    ...(memory.limitMegabytes === undefined ? {} : { memoryMegabytes: memory.limitMegabytes }),
    ...(controller.cpus === undefined ? {} : { cpus: controller.cpus }),
    ...(runtime === undefined ? {} : { runtime }),
  }
  return {
    engine: engine.kind,
    container: {
      ...unlabelled,
      labels: { [labels.spec]: specHash(unlabelled, network.subnet), [labels.version]: version },
    },
    network: {
      name: network.name,
      bridge: bridgeName(network.name),
      subnet: network.subnet,
      nameServer,
      labels: { [labels.version]: version },
    },
  }
}

/**
 * One-way digest of everything that needs a new container when it changes. This program's version is not in it, nor the
 * grace, which every stop names itself, nor the name servers: what the machine asks today is no reason for a stop.
 */
function specHash(spec: Omit<ContainerSpec, 'labels'>, subnet: string): string {
  const { stopTimeoutSeconds: _, nameServers: __, ...counting } = spec
  return createHash('sha256')
    .update(JSON.stringify(sorted({ ...counting, subnet })))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return entries.map(([key, inner]) => [key, sorted(inner)])
}

/** The bridge's interface on this machine; names of interfaces have 15 characters at most (IFNAMSIZ). */
export function bridgeName(network: string): string {
  return `br-${network}`.slice(0, 15)
}

function mounts({ controller }: HostConfig): Mount[] {
  const { certificateDirectory: certificate } = controller
  return [
    { source: controller.dataVolume, target: dataDirectory, readOnly: false },
    { source: controller.logsVolume, target: logsDirectory, readOnly: false },
    ...(certificate === undefined ? [] : [{ source: certificate, target: certificateDirectory, readOnly: true }]),
  ]
}

/** What of both specifications says how the controller resolves names. */
type NamePlan = Pick<NetworkSpec, 'nameServer'> & Pick<ContainerSpec, 'nameServers'>

/**
 * How the controller gets to know the addresses of names; it needs none of other containers. With Podman the controller asks this machine's own name servers, and port 53 of the bridge stays free for a Pi-hole that
 * listens everywhere: it would keep Podman's name server from starting, or the other way round. Where the machine asks
 * only itself by the loopback, which a container cannot, the controller asks it by the bridge when it listens there, and
 * Podman's name server when it does not; Podman by itself would have it ask Google. Docker resolves names in the
 * container's namespace, by whom the machine asks. Pure.
 */
function planNames(engine: EngineKind, { servers, served }: MachineNames, subnet: string): NamePlan {
  const onlyItself = servers.length > 0 && servers.every(isLoopback)
  if (engine === 'docker' || !onlyItself) return { nameServer: false }
  const gateway = parseIpv4Network(subnet)
  if (!served || gateway === undefined) return { nameServer: true }
  return { nameServer: false, nameServers: [formatIpv4(gateway.base + 1)] }
}
