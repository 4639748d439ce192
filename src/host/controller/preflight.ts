import { basename } from 'node:path'
import type { HostConfig } from '../../config/schema.ts'
import { formatIpv4, type Ipv4Network, parseIpv4Network } from '../../core/cidr.ts'
import type { Fault } from '../../core/errors.ts'
import { freeNetwork, overlapping } from '../../network/free-network.ts'
import type { Route } from '../../network/routes.ts'
import { bridgeLacksRoute, type ContainerWay, wrongWay } from '../../network/way.ts'
import { cpuNeed } from '../../omada/image-contract.ts'
import type { EngineInfo } from '../engine/engine.ts'
import { runtimeWorks } from '../engine/runtime.ts'
import type { MachineFacts } from './machine.ts'
import { bridgeName } from './spec.ts'

/** Everything that a preflight looks at. */
export interface PreflightFacts {
  readonly config: HostConfig
  readonly engine: EngineInfo
  readonly machine: Pick<MachineFacts, 'architecture' | 'cpuFlags' | 'cgroups'>
  /** Those that take something away from the network. */
  readonly routes: readonly Route[]
  /** Where `routes` are not all: those that another network should keep away from. */
  readonly allRoutes?: readonly Route[]
  /** By which way Linux sends to the container; undefined when it cannot be told. */
  readonly containerWay?: ContainerWay | undefined
  /** Free space where the engine stores images; undefined when unknown. */
  readonly freeMegabytes: number | undefined
  /** Where the controller's database is, when that is known already. */
  readonly data?: { readonly path: string; readonly freeMegabytes: number | undefined } | undefined
  readonly imagePresent: boolean
  /** The network exists as configured, and its own route with it. */
  readonly networkPresent: boolean
}

/** Room for the image, compressed and unpacked (about 2.5 GB for v6), and for a start without pull. Megabytes. */
const roomForPull = 4096
const roomForStart = 512

/** What would keep the controller from working, found before anything is pulled or created. Pure. RAM is `desiredState`'s to judge. */
export function preflight(facts: PreflightFacts): readonly Fault[] {
  const checks = [checkRuntime, checkCpuLimit, checkMemoryLimit, checkCpu, checkSubnet, checkWay, checkDisk]
  return checks.map((check) => check(facts)).filter((fault) => fault !== undefined)
}

function checkRuntime({ config, engine, machine }: PreflightFacts): Fault | undefined {
  const wanted = config.engine.runtime
  const runtime = engine.kind === 'docker' ? (wanted ?? engine.defaultRuntime) : engine.defaultRuntime
  if (engine.kind === 'podman' && wanted !== undefined && basename(wanted) !== basename(engine.defaultRuntime)) {
    return {
      code: 'ENGINE_RUNTIME',
      message: `engine.runtime is ${wanted}, but Podman's service uses ${engine.defaultRuntime} and its API does not take another`,
      remedy: `set runtime = "${wanted}" under [engine] in /etc/containers/containers.conf, then: systemctl restart podman`,
    }
  }
  if (runtimeWorks(runtime, machine.cgroups)) return undefined
  return {
    code: 'ENGINE_RUNTIME',
    message: `the OCI runtime ${runtime} does not work on this machine: its cgroups are in hybrid mode with ${machine.cgroups.unifiedControllers.join(', ')} in cgroup v2`,
    remedy:
      'apt-get install runc and set runtime = "runc" under [engine] in /etc/containers/containers.conf, then: systemctl restart podman; or boot with systemd.unified_cgroup_hierarchy=1',
  }
}

function checkCpuLimit({ config, engine }: PreflightFacts): Fault | undefined {
  const { cpus } = config.controller
  if (cpus === undefined || engine.cpuLimit) return undefined
  return {
    code: 'ENGINE_NO_CPU_LIMIT',
    message: `controller.cpus is ${cpus}, but the cgroups of this machine's ${engine.kind} have no cpu controller`,
    remedy: 'remove controller.cpus, or enable the cpu controller of the kernel',
  }
}

function checkMemoryLimit({ config, engine }: PreflightFacts): Fault | undefined {
  const { memory } = config.controller
  if (typeof memory !== 'object' || memory.limitMegabytes === undefined || engine.memoryLimit) return undefined
  return {
    code: 'ENGINE_NO_MEMORY_LIMIT',
    message: `controller.memory.limitMegabytes is ${memory.limitMegabytes}, but the cgroups of this machine's ${engine.kind} have no memory controller`,
    remedy:
      'remove controller.memory.limitMegabytes, or enable the controller: cgroup_enable=memory on the kernel command line (Raspberry Pi: /boot/firmware/cmdline.txt)',
  }
}

function checkCpu({ config, machine }: PreflightFacts): Fault | undefined {
  const { image } = config.controller
  const { architecture, cpuFlags } = machine
  const need = cpuNeed({ image, architecture, externalDatabase: config.mongo.uri !== undefined })
  // A machine that tells no flags at all is not one that lacks them; the image's entrypoint looks again.
  if (need === undefined || cpuFlags.size === 0 || need.anyOf.some((flag) => cpuFlags.has(flag))) return undefined
  return {
    code: 'CPU_UNSUPPORTED',
    message: `this processor (${architecture}) has no ${need.name}, which MongoDB 8 in ${image} needs`,
    remedy:
      'set controller.image to a v5 tag such as docker.io/mbentley/omada-controller:5.15, or mongo.uri to a MongoDB on another machine; in a virtual machine, pass the CPU through (type host)',
  }
}

function checkSubnet({ config, routes, allRoutes = routes, networkPresent }: PreflightFacts): Fault | undefined {
  const { subnet, name } = config.network
  const own = parseIpv4Network(subnet)
  if (own === undefined) return undefined
  const isOwn = (route: Route) =>
    route.interface === bridgeName(name) || (networkPresent && route.base === own.base && route.prefix === own.prefix)
  const clash = overlapping(own, routes).find((route) => !isOwn(route))
  if (clash === undefined) return undefined
  return {
    code: 'SUBNET_CLASH',
    message: `network.subnet ${subnet} overlaps the route to ${formatIpv4(clash.base)}/${clash.prefix} by ${clash.interface}`,
    remedy: otherNetwork([own, ...allRoutes]),
  }
}

/** Where the container is to be: its address, and the bridge that leads there. */
export function containerPlace({ network }: HostConfig): {
  readonly controllerAddress: string
  readonly bridge: string
} {
  return { controllerAddress: network.controllerAddress, bridge: bridgeName(network.name) }
}

/** Only where no route overlaps: that is told with a network that is free. */
function checkWay(facts: PreflightFacts): Fault | undefined {
  const { config, containerWay } = facts
  if (containerWay === undefined || checkSubnet(facts) !== undefined) return undefined
  // An idle bridge may have none until a container is on it, and one that has lost it gets it with the start.
  if (bridgeLacksRoute(config.network, containerWay)) return undefined
  return wrongWay(config.network, containerWay)
}

/**
 * The remedy for a network that is taken: one that is free as far as this machine knows.
 * @param taken the routes of this machine, and networks that are taken besides
 */
export function otherNetwork(taken: readonly Ipv4Network[]): string {
  const free = freeNetwork(taken)
  return free === undefined
    ? 'every private network overlaps a route of this machine: make a route narrower, or set network.subnet and network.controllerAddress to a network that no machine here has to reach'
    : `set network.subnet to ${free.subnet} and network.controllerAddress to ${free.controllerAddress}, which no route of this machine overlaps, unless you use that network somewhere else`
}

function checkDisk({ engine, freeMegabytes, data, imagePresent, config }: PreflightFacts): Fault | undefined {
  const start = { room: roomForStart, purpose: "the controller's database" }
  const pull = { room: roomForPull, purpose: config.controller.image }
  const looks = [
    { path: engine.storageDirectory, free: freeMegabytes, ...(imagePresent ? start : pull) },
    { path: data?.path, free: data?.freeMegabytes, ...start },
  ]
  // The first says enough where both are on one disk.
  const short = looks.find(({ free, room }) => free !== undefined && free < room)
  if (short === undefined) return undefined
  return {
    code: 'DISK_FULL',
    message: `${short.path} has ${short.free} MB free, but ${short.purpose} needs ${short.room} MB`,
    remedy: `free space there: ${engine.kind} system df, ${engine.kind} image prune`,
  }
}
