import { chmod, chown, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import type { Component } from '../core/component.ts'
import type { Emitter } from '../core/emitter.ts'
import { ApplianceError } from '../core/errors.ts'
import type { LogLevel } from '../core/logger.ts'
import { Warnings } from '../core/warnings.ts'
import { edgeUser, type UserIds } from '../linux/privileges.ts'
import { decideByOwnJob } from '../systemd/own-job.ts'
import { CertificateCopy } from './certificate.ts'
import { Configuration, type RestartedFor } from './configuration.ts'
import { edgeChannel } from './edge-channel.ts'
import { edgeProcess } from './edge-process.ts'
import type { HostOptions } from './host.ts'

/** What every way of running a host has in common. */
export interface ServeOptions
  extends Pick<HostOptions, 'paths' | 'logger' | 'clock' | 'version' | 'signal' | 'notifier' | 'probeCommand'> {
  readonly loaded: LoadedConfig
  /** Reads the configuration again. */
  readonly load: () => Promise<LoadedConfig>
  readonly setLogLevel: (level: LogLevel) => void
  /** The user asks again for the end while it is under way. */
  readonly askedAgain: Emitter<void>
}

/** In what the ways differ. */
interface Way extends Pick<HostOptions, 'controllerOnStop' | 'service' | 'stateGroup'> {
  readonly restarted: RestartedFor
  /** What lives and dies with this host and is served its state. */
  readonly companions?: (configuration: Configuration) => Promise<readonly Component[]>
}

/** How long the channel may take to close, in milliseconds. */
const stopMilliseconds = 1000

/** The host as a service, the edge being another one: the controller is stopped only when systemd stops this service for good. */
export async function serveAsService(
  options: ServeOptions & {
    /** There when systemd started this process and waits for it to be ready. */
    readonly service?: HostOptions['service']
    /** Called once it is known what the end of this process means for the controller. */
    readonly asked: () => void
  },
): Promise<void> {
  const { logger } = options
  await serve(options, {
    restarted: { host: 'omada-host', edge: 'omada-host-edge' },
    controllerOnStop: async () => {
      const decision = await decideByOwnJob({ logger })
      options.asked()
      return decision
    },
    ...(options.service === undefined ? {} : { service: options.service }),
  })
}

/**
 * The whole appliance in the foreground: the host, with the edge as its child process, and the controller stopped at the end.
 * @param options.edgeCommand makes the command that runs this program's edge as a user
 * @throws ApplianceError PRIVILEGES
 */
export async function serveInForeground(
  options: ServeOptions & { readonly edgeCommand: (user: UserIds) => readonly string[] },
): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new ApplianceError({
      code: 'PRIVILEGES',
      message: `omada-host run was started by user ${process.getuid?.()}, but it needs root for the container engine`,
      remedy: 'sudo omada-host run',
    })
  }
  const user = edgeUser()
  await makeDirectories(options, user)
  await serve(options, {
    restarted: { host: 'omada-host run', edge: 'omada-host run' },
    stateGroup: user.gid,
    controllerOnStop: async () => 'stop',
    companions: async ({ inForce: config }) => {
      const { PodmanService } = await import('./engine/service.ts')
      const command = options.edgeCommand(user)
      return [edgeProcess({ ...options, command }), new PodmanService({ ...options, config })]
    },
  })
}

async function serve(options: ServeOptions, way: Way): Promise<void> {
  const { loaded, setLogLevel } = options
  const copy = new CertificateCopy({ directory: options.paths.certificateDirectory, clock: options.clock })
  const readCertificate = (config: Config) => copy.refresh(config)
  const usable = await readCertificate(loaded.config)
  const warnings = new Warnings(options)
  const source = warnings.source({ name: 'configuration' })
  const configuration = new Configuration({ ...options, ...way, usable, readCertificate, warnings: source })
  configuration.changed.on(() => setLogLevel(configuration.inForce.log.level))
  const stopGraceSeconds = () => configuration.inForce.controller.stopGraceSeconds
  const stopAnswering = answerImpatience({ ...options, stopGraceSeconds })
  const path = options.paths.channelSocket
  const channel = edgeChannel({ ...options, configuration, path, group: way.stateGroup })
  try {
    // First of all: the edge serves from then on, and the rest of the host takes longer to load than the edge to start.
    await channel.start(options.signal)
    const { runHost } = await import('./host.ts')
    const companions = (await way.companions?.(configuration)) ?? []
    await runHost({ ...options, ...way, configuration, warnings, channel, companions })
  } finally {
    await channel.stop(AbortSignal.timeout(stopMilliseconds))
    stopAnswering()
  }
}

/** Answers whoever asks again to end while the controller stops: it is not cut short, because its database would break. */
export function answerImpatience(
  options: Pick<ServeOptions, 'askedAgain' | 'logger'> & { stopGraceSeconds: () => number },
): () => void {
  return options.askedAgain.on(() => {
    options.logger.warn(
      `still stopping: the controller may take up to ${options.stopGraceSeconds()} s (controller.stopGraceSeconds) to ` +
        'close its database, and would lose it if it were cut off',
    )
  })
}

/** The edge's own directories, and the one that nobody but the edge may enter. */
async function makeDirectories({ paths }: ServeOptions, user: UserIds): Promise<void> {
  await mkdir(dirname(paths.hostStateSocket), { recursive: true, mode: 0o755 })
  await mkdir(dirname(paths.hostRecordFile), { recursive: true, mode: 0o700 })
  for (const directory of [dirname(paths.edgeStateSocket), dirname(paths.edgeKeptFile), paths.edgeStateDirectory]) {
    await mkdir(directory, { recursive: true, mode: 0o755 })
    await chown(directory, user.uid, user.gid)
  }
  // Of an earlier appliance: this one's edge is told by this host.
  await rm(paths.edgeKeptFile, { force: true })
  const channel = dirname(paths.channelSocket)
  await mkdir(channel, { recursive: true })
  await chmod(channel, 0o750)
  await chown(channel, 0, user.gid)
}
