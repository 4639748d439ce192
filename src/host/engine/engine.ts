import type { PullProgress } from '../../ipc/host-state.ts'

/** The two that are spoken to; also the names of their command-line programs. */
export type EngineKind = 'podman' | 'docker'

/** What the engine says of itself and of what this machine lets it do. */
export interface EngineInfo {
  readonly kind: EngineKind
  readonly version: string
  readonly socket: string
  readonly defaultRuntime: string
  /** Where images and containers are stored, for a look at the free space. */
  readonly storageDirectory: string
  readonly cgroupVersion: '1' | '2'
  /** Whether the engine's cgroups can keep a limit of this kind. */
  readonly memoryLimit: boolean
  readonly cpuLimit: boolean
  readonly processLimit: boolean
}

export interface EngineImage {
  readonly id: string
  readonly architecture: string
  /** Digests under which registries know this image, without the repository: `sha256:…`. */
  readonly digests: readonly string[]
}

export interface EngineNetwork {
  readonly driver: string
  /** CIDR notation; undefined when the engine does not tell. */
  readonly subnet?: string
  /** Its interface on this machine, which is there only while a container is on it; undefined when the engine does not tell. */
  readonly bridge?: string
  readonly labels: Readonly<Record<string, string>>
}

/** `transient`: on its way to another status, such as stopping or being removed: look again shortly. */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'exited' | 'transient'

export interface EngineContainer {
  readonly id: string
  readonly status: ContainerStatus
  readonly imageId: string
  readonly labels: Readonly<Record<string, string>>
  /** ISO 8601; absent when it was never started. */
  readonly startedAt?: string
  readonly exitCode: number
  readonly outOfMemory: boolean
  /** Where on this machine its volumes and directories are, and where in it. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
  /** Names of the networks that it is attached to. */
  readonly networks: readonly string[]
  /** Its IPv4 address on its network while it runs. */
  readonly address?: string
  /** Path of its network namespace while it runs. */
  readonly sandboxKey?: string
  /** Its first process, as this machine counts, while it runs. */
  readonly pid?: number
}

/**
 * The directory of this machine that a container sees at `target`: as the engine says, else `configured` where that is a
 * path and no volume's name; undefined while nobody knows.
 */
export function mountSource(
  mounts: EngineContainer['mounts'] | undefined,
  target: string,
  configured: string,
): string | undefined {
  const source = mounts?.find((mount) => mount.target === target)?.source
  return source ?? (configured.startsWith('/') ? configured : undefined)
}

export interface NetworkSpec {
  readonly name: string
  /** Name of the bridge interface on this machine. */
  readonly bridge: string
  readonly subnet: string
  readonly labels: Readonly<Record<string, string>>
  /** Podman only: a name server of the engine's on port 53 of the bridge. Docker's is inside of the container. */
  readonly nameServer: boolean
}

export interface Mount {
  /** A volume's name or an absolute path. */
  readonly source: string
  readonly target: string
  readonly readOnly: boolean
}

/** A container as it is wanted, in terms that both engines keep. No port is ever published. */
export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly environment: Readonly<Record<string, string>>
  readonly mounts: readonly Mount[]
  readonly network: string
  readonly address: string
  readonly labels: Readonly<Record<string, string>>
  readonly ulimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>
  /** All that root may do in it, as capabilities(7) names them, without `CAP_`. No program in it can gain more. */
  readonly capabilities: readonly string[]
  /** Settings of the kernel, of its own namespaces. */
  readonly kernelSettings: Readonly<Record<string, string>>
  /** The most processes and threads at once. */
  readonly processLimit?: number
  readonly stopTimeoutSeconds: number
  readonly init: boolean
  /** The name servers that it asks; chosen by the engine when absent. */
  readonly nameServers?: readonly string[]
  readonly logMegabytes: number
  readonly memoryMegabytes?: number
  readonly cpus?: number
  /** Docker only: Podman's API always takes its service's own runtime. */
  readonly runtime?: string
}

/** Progress of a pull: the layers known so far and their sums, in bytes. */
export type PullUpdate = Pick<PullProgress, 'current' | 'total' | 'layers'>

/** A user's name and password for one registry, as X-Registry-Auth carries them (Docker's API, which Podman keeps to). */
export interface RegistryLogin {
  readonly username: string
  readonly password: string
  readonly serveraddress: string
}

export interface PullOptions {
  readonly signal: AbortSignal
  readonly onProgress: (update: PullUpdate) => void
  readonly login?: RegistryLogin | undefined
}

/** A regular file in a container: its size in bytes, and as much of it as was asked for. */
export interface ContainerFile {
  readonly size: number
  readonly content: Buffer
}

/** A file to put into a container. */
export interface NewFile {
  readonly directory: string
  readonly name: string
  readonly content: string
  readonly uid: number
  readonly gid: number
}

/** Something happened to a container or a network. */
export interface EngineEvent {
  readonly type: string
  readonly action: string
  readonly name: string
}

/**
 * A container engine, as little of it as the controller needs. Every call has a deadline of its own, rejects with the
 * signal's reason when that aborts, and else with an ApplianceError: ENGINE_UNREACHABLE (no socket, connection lost),
 * ENGINE_PERMISSION, ENGINE_TIMEOUT, ENGINE_TOO_OLD, ENGINE_RUNTIME, DISK_FULL or ENGINE_REQUEST.
 */
export interface Engine {
  info(signal: AbortSignal): Promise<EngineInfo>
  /** undefined when this machine does not have it. */
  image(reference: string, signal: AbortSignal): Promise<EngineImage | undefined>
  /**
   * Pulls once, without retrying, by `login` where the registry wants one. Also rejects with IMAGE_NOT_FOUND,
   * IMAGE_ARCHITECTURE, IMAGE_PULL_FAILED or one of REGISTRY_….
   */
  pull(reference: string, options: PullOptions): Promise<void>
  network(name: string, signal: AbortSignal): Promise<EngineNetwork | undefined>
  createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void>
  /** Rejects when a container uses it. */
  removeNetwork(name: string, signal: AbortSignal): Promise<void>
  /** Where on this machine a volume is; undefined where there is none of this name. */
  volumeDirectory(name: string, signal: AbortSignal): Promise<string | undefined>
  container(name: string, signal: AbortSignal): Promise<EngineContainer | undefined>
  /** Resolves to the container's id. */
  createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<string>
  start(id: string, signal: AbortSignal): Promise<void>
  /** Lets a paused container go on. */
  unpause(id: string, signal: AbortSignal): Promise<void>
  /**
   * Sends SIGTERM and resolves when the container has ended. The engine itself sends SIGKILL when the grace is over.
   * Aborting the signal stops the waiting, not the stop. ENGINE_UNREACHABLE means that the outcome is not known.
   */
  stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void>
  /** Ends its processes at once (SIGKILL). Only for what has nothing to lose any more. */
  kill(id: string, signal: AbortSignal): Promise<void>
  /** Never by force: rejects while it runs. Volumes stay. */
  remove(id: string, signal: AbortSignal): Promise<void>
  /** A file of a container, with its volumes and directories, whether it runs or never did; undefined where there is none. */
  file(id: string, path: string, options: { maxBytes: number; signal: AbortSignal }): Promise<ContainerFile | undefined>
  /** Puts a small file, which everybody may read, into a directory of a container, with root's rights. */
  putFile(id: string, file: NewFile, signal: AbortSignal): Promise<void>
  /** Lines of both output streams, bounded in length, free of control characters. Ends when the container does. */
  logs(
    id: string,
    options: { follow: boolean; tail: number | 'all'; signal: AbortSignal; since?: Date },
  ): AsyncIterable<string>
  /**
   * Resolves once they are followed to what happens to containers and networks from then on, which throws when the
   * connection is lost. Leaving its loop closes the connection.
   */
  events(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>>
}
