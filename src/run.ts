import { chown, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type CertificatePair, readCertificate } from './config/certificate.ts'
import { ApplianceError, toFault } from './core/errors.ts'
import { edgeUser, type UserIds } from './core/privileges.ts'
import { EdgeProcess } from './edge-process.ts'
import { PodmanService } from './engine/service.ts'
import { type HostOptions, runHost } from './host.ts'

export interface RunOptions extends Omit<HostOptions, 'controllerOnStop' | 'companions' | 'stateGroup'> {
  /** The command that runs this program's edge, which then waits for its handover. */
  readonly edgeCommand: readonly string[]
}

/** What the edge is told by its parent: nothing that it does not need, in particular no database URI. */
export interface Handover {
  readonly config: HostOptions['config']
  readonly user: UserIds
  readonly certificate?: CertificatePair
}

/** The whole appliance in the foreground: the host, with the edge as its child process. Stops the controller at the end. */
export async function runForeground(options: RunOptions): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new ApplianceError({
      code: 'PRIVILEGES',
      message: `omada-host run was started by user ${process.getuid?.()}, but it needs root for the container engine`,
      remedy: 'sudo omada-host run',
    })
  }
  const { config, logger, clock } = options
  const user = edgeUser()
  await makeDirectories(options, user)
  const certificate = await certificateOf(options)
  const handover: Handover = {
    config: { ...config, mongo: {}, controller: { ...config.controller, environment: {} } },
    user,
    ...(certificate === undefined ? {} : { certificate }),
  }
  const edge = new EdgeProcess({ logger, clock, command: options.edgeCommand, handover })
  const service = new PodmanService({ config, logger, clock })
  await runHost({ ...options, stateGroup: user.gid, companions: [edge, service], controllerOnStop: 'stop' })
}

async function makeDirectories(options: RunOptions, user: UserIds): Promise<void> {
  const { paths } = options
  await mkdir(dirname(paths.hostStateSocket), { recursive: true, mode: 0o755 })
  await mkdir(paths.hostStateDirectory, { recursive: true, mode: 0o700 })
  for (const directory of [dirname(paths.edgeStateSocket), paths.edgeStateDirectory]) {
    await mkdir(directory, { recursive: true, mode: 0o755 })
    await chown(directory, user.uid, user.gid)
  }
}

/** The user's certificate, read here because the edge's user may not. Unusable: told, and the edge makes its own. */
async function certificateOf({ config, logger }: RunOptions): Promise<CertificatePair | undefined> {
  try {
    return await readCertificate(config)
  } catch (error) {
    const { code, message, remedy } = toFault(error)
    logger.warn({ code, remedy }, message)
    return undefined
  }
}
