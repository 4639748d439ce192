import { createHash } from 'node:crypto'
import type { HostConfig } from '../../config/schema.ts'
import type { MachineNames } from '../../linux/name-servers.ts'
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
import { planNames } from './names.ts'

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
  const { config, machine, engine, version, stopGraceSeconds } = options
  const { controller, network } = config
  const names = planNames(engine.kind, options.names, network.subnet)
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
    ...(names.servers === undefined ? {} : { nameServers: names.servers }),
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
      nameServer: names.nameServer,
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
