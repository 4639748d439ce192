import type Dockerode from 'dockerode'
import { ApplianceError } from '../../core/errors.ts'
import { parseImageReference } from '../../omada/image-reference.ts'
import type { ContainerStatus, EngineContainer, EngineImage, EngineInfo, EngineKind, EngineNetwork } from './engine.ts'

/** The parts of `GET /version` and `GET /info` that are read; what is absent is treated as unknown. */
export interface RawVersion {
  readonly Version?: string
  readonly ApiVersion?: string
  readonly Components?: readonly { readonly Name?: string }[]
}
export interface RawInfo {
  readonly MemoryLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly PidsLimit?: boolean
  readonly CgroupVersion?: string
  readonly DefaultRuntime?: string
  readonly DockerRootDir?: string
}

/** Podman before 4.3 streams no byte progress; Docker before 20.10 (API 1.41) does not know cgroup v2. */
const oldest = { podman: [4, 3], docker: [1, 41] } as const

export function engineKind(version: RawVersion): EngineKind {
  return version.Components?.some((part) => part.Name === 'Podman Engine') === true ? 'podman' : 'docker'
}

/** @throws ApplianceError ENGINE_TOO_OLD */
export function engineInfo(version: RawVersion, info: RawInfo, socket: string): EngineInfo {
  const kind = engineKind(version)
  const told = version.Version ?? 'unknown'
  const [major, minor] = ((kind === 'podman' ? version.Version : version.ApiVersion) ?? '').split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldest[kind]
  const old = (major ?? Number.NaN) < oldestMajor || (major === oldestMajor && (minor ?? Number.NaN) < oldestMinor)
  if (old) {
    throw new ApplianceError({
      code: 'ENGINE_TOO_OLD',
      message: `the container engine on ${socket} is ${kind} ${told}, older than this program supports`,
      remedy: 'update it: Podman 4.3 or Docker 20.10 at least',
    })
  }
  return {
    kind,
    version: told,
    socket,
    defaultRuntime: info.DefaultRuntime ?? 'unknown',
    storageDirectory: info.DockerRootDir ?? '/var/lib',
    cgroupVersion: info.CgroupVersion === '2' ? '2' : '1',
    memoryLimit: info.MemoryLimit === true,
    cpuLimit: info.CpuCfsQuota === true,
    processLimit: info.PidsLimit === true,
  }
}

/** The name under which both engines pull and find an image: with registry, and by digest alone where there is one. An image's id stays. */
export function engineReference(text: string): string {
  const reference = /^[0-9a-f]{64}$/.test(text) ? undefined : parseImageReference(text)
  if (reference === undefined) return text
  const name = `${reference.registry}/${reference.repository}`
  return reference.digest === undefined ? `${name}:${reference.tag ?? 'latest'}` : `${name}@${reference.digest}`
}

export function engineImage(raw: Dockerode.ImageInspectInfo): EngineImage {
  return {
    id: raw.Id.replace(/^sha256:/, ''),
    architecture: raw.Architecture,
    digests: (raw.RepoDigests ?? []).flatMap((name) => name.split('@')[1] ?? []),
  }
}

/** By Docker's API. A bridge that was given no name has that of the network's id. */
export function engineNetwork(raw: Dockerode.NetworkInspectInfo): EngineNetwork {
  const subnet = raw.IPAM?.Config?.find((config) => config.Subnet?.includes('.'))?.Subnet
  const bridge = raw.Options?.['com.docker.network.bridge.name'] ?? `br-${raw.Id.slice(0, 12)}`
  return { driver: raw.Driver, labels: raw.Labels ?? {}, bridge, ...(subnet === undefined ? {} : { subnet }) }
}

/** The parts of `GET /libpod/networks/NAME/json` that are read. */
export interface RawLibpodNetwork {
  readonly driver: string
  readonly network_interface?: string
  readonly subnets?: readonly { readonly subnet: string }[] | null
  readonly labels?: Readonly<Record<string, string>> | null
}

/** By Podman's own API: by Docker's it does not tell the bridge. */
export function libpodNetwork(raw: RawLibpodNetwork): EngineNetwork {
  const subnet = raw.subnets?.find((config) => config.subnet.includes('.'))?.subnet
  const { driver, labels, network_interface: bridge } = raw
  return {
    driver,
    labels: labels ?? {},
    ...(subnet === undefined ? {} : { subnet }),
    ...(bridge === undefined || bridge === '' ? {} : { bridge }),
  }
}

const statuses = new Map<string, ContainerStatus>([
  ['created', 'created'],
  ['configured', 'created'],
  ['initialized', 'created'],
  ['running', 'running'],
  ['paused', 'paused'],
  ['exited', 'exited'],
  ['stopped', 'exited'],
  ['dead', 'exited'],
])

/** Both engines write the year 1 for what has not happened. */
function happened(time: string | undefined): string | undefined {
  return time === undefined || time === '' || time.startsWith('0001-') ? undefined : new Date(time).toISOString()
}

export function engineContainer(raw: Dockerode.ContainerInspectInfo): EngineContainer {
  const startedAt = happened(raw.State.StartedAt)
  const { SandboxKey } = raw.NetworkSettings
  const networks = raw.NetworkSettings.Networks ?? {}
  // It is made with one network. Both engines write an empty text for an address that it has not.
  const address = Object.values(networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress
  return {
    id: raw.Id,
    status: statuses.get(raw.State.Status) ?? 'transient',
    imageId: raw.Image.replace(/^sha256:/, ''),
    labels: raw.Config.Labels ?? {},
    ...(startedAt === undefined ? {} : { startedAt }),
    exitCode: raw.State.ExitCode,
    outOfMemory: raw.State.OOMKilled,
    mounts: (raw.Mounts ?? []).map(({ Source: source, Destination: target }) => ({ source, target })),
    networks: Object.keys(networks),
    ...(address === undefined ? {} : { address }),
    ...(raw.State.Pid > 0 ? { pid: raw.State.Pid } : {}),
    ...(SandboxKey === undefined || SandboxKey === '' ? {} : { sandboxKey: SandboxKey }),
  }
}
