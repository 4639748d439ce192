import type { Chosen } from '../../config/chosen.ts'
import type { HostConfig } from '../../config/schema.ts'
import { formatIpv4, parseIpv4Network } from '../../core/cidr.ts'
import { isLoopback, type MachineNames } from '../../linux/name-servers.ts'
import { crashesDatabase } from '../../omada/database-kernel.ts'
import { imageEnvironment } from '../../omada/environment.ts'
import {
  certificateDirectory,
  containerProcessLimit,
  dataDirectory,
  logsDirectory,
  neededCapabilities,
  networkSettings,
  openFilesLimit,
  processLimit,
  updaterLabels,
} from '../../omada/image-contract.ts'
import { planMemory } from '../../omada/memory.ts'
import type { ContainerSpec, EngineInfo, EngineKind, Mount, NetworkSpec } from '../engine/engine.ts'
import { processLimitPossible } from '../engine/runtime.ts'
import type { MachineFacts } from './machine.ts'
import { digestOf, type Settings, settingsLabel } from './settings.ts'

/**
 * Labels on what we make. `spec`: a digest of all its settings, whose absence tells that it is not ours; `settings`: one of
 * each; `chosen`: one of what the user chose of them, the rest being this program's defaults and the machine's facts;
 * `image`: the id of the image that it was made of. Version 0.1.0 wrote the first and the last.
 */
export const labels = {
  spec: 'omada-host.spec',
  settings: 'omada-host.settings',
  chosen: 'omada-host.chosen',
  image: 'omada-host.image',
  version: 'omada-host.version',
} as const

/** How much of the container's own log the engine keeps, in megabytes. The controller's full logs are in its volume. */
const logMegabytes = 20

/** The container and the network that the configuration asks for on this machine. */
export interface Desired {
  /** Whose commands are named in remedies. */
  readonly engine: EngineKind
  readonly container: ContainerSpec
  readonly network: NetworkSpec
  /** What of it needs a new container when it changes. */
  readonly settings: Settings
}

/**
 * What is wanted, from the configuration, the machine and what its engine can do. Pure.
 * @throws ApplianceError MEMORY_LOW
 */
export function desiredState(options: {
  config: HostConfig
  chosen: Chosen
  /** How long the controller may take to stop. */
  stopGraceSeconds: number
  machine: Pick<MachineFacts, 'memoryMegabytes' | 'timezone' | 'cgroups' | 'kernel' | 'architecture'>
  engine: Pick<EngineInfo, 'kind' | 'memoryLimit' | 'processLimit'>
  names: MachineNames
  version: string
  /** What is mounted at /cert when the user has a certificate: a directory of ours, with copies. */
  certificateSource: string
}): Desired {
  const { config, chosen, machine, engine, names, version, stopGraceSeconds } = options
  const { controller, network } = config
  const { nameServer, ...nameServers } = planNames(engine.kind, names, network.subnet)
  const memory = planMemory({
    memory: controller.memory,
    machineMegabytes: machine.memoryMegabytes,
    externalDatabase: config.mongo.uri !== undefined,
    limitPossible: engine.memoryLimit,
  })
  const runtime = engine.kind === 'docker' ? config.engine.runtime : undefined
  const settings: Settings = {
    name: controller.name,
    image: controller.image,
    environment: imageEnvironment({
      timezone: controller.timezone ?? machine.timezone,
      memory,
      databaseUri: config.mongo.uri,
      user: controller.environment,
      crashingKernel: crashesDatabase(machine, config),
    }),
    mounts: mounts(config, options.certificateSource),
    network: network.name,
    address: network.controllerAddress,
    ulimits: { nofile: openFilesLimit, nproc: processLimit },
    capabilities: neededCapabilities(controller),
    kernelSettings: networkSettings,
    ...(engine.processLimit && processLimitPossible(machine.cgroups) ? { processLimit: containerProcessLimit } : {}),
    init: controller.init,
    logMegabytes,
    subnet: network.subnet,
    marks: updaterLabels,
    ...(memory.limitMegabytes === undefined ? {} : { memoryMegabytes: memory.limitMegabytes }),
    ...(controller.cpus === undefined ? {} : { cpus: controller.cpus }),
    ...(runtime === undefined ? {} : { runtime }),
  }
  const { subnet, marks, ...ofContainer } = settings
  return {
    engine: engine.kind,
    settings,
    container: {
      ...ofContainer,
      ...nameServers,
      stopTimeoutSeconds: stopGraceSeconds,
      labels: {
        ...marks,
        [labels.spec]: digestOf(settings),
        [labels.settings]: settingsLabel(settings),
        [labels.chosen]: digestOf(chosen),
        [labels.version]: version,
      },
    },
    network: {
      name: network.name,
      bridge: bridgeName(network.name),
      subnet,
      nameServer,
      labels: { [labels.version]: version },
    },
  }
}

/** The bridge's interface on this machine; names of interfaces have 15 characters at most (IFNAMSIZ). */
export function bridgeName(network: string): string {
  return `br-${network}`.slice(0, 15)
}

function mounts({ controller }: HostConfig, certificate: string): Mount[] {
  return [
    { source: controller.dataVolume, target: dataDirectory, readOnly: false },
    { source: controller.logsVolume, target: logsDirectory, readOnly: false },
    ...(controller.certificateDirectory === undefined
      ? []
      : [{ source: certificate, target: certificateDirectory, readOnly: true }]),
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
