import { chown, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { usableCertificate } from '../config/certificate.ts'
import { ApplianceError } from '../core/errors.ts'
import { edgeUser, type UserIds } from '../core/privileges.ts'
import { edgePart, type Handover } from '../ipc/handover.ts'
import { edgeProcess } from './edge-process.ts'
import { PodmanService } from './engine/service.ts'
import { type HostOptions, runHost } from './host.ts'

export interface RunOptions extends Omit<HostOptions, 'controllerOnStop' | 'companions' | 'stateGroup' | 'service'> {
  /** The command that runs this program's edge, which then waits for its handover. */
  readonly edgeCommand: readonly string[]
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
  const handover: Handover = { ...edgePart(config, await usableCertificate(config, logger)), user }
  const edge = edgeProcess({ logger, clock, command: options.edgeCommand, handover })
  const service = new PodmanService({ config, logger, clock })
  await runHost({ ...options, stateGroup: user.gid, companions: [edge, service], controllerOnStop: async () => 'stop' })
}

async function makeDirectories(options: RunOptions, user: UserIds): Promise<void> {
  const { paths } = options
  await mkdir(dirname(paths.hostStateSocket), { recursive: true, mode: 0o755 })
  for (const directory of [dirname(paths.edgeStateSocket), paths.edgeStateDirectory]) {
    await mkdir(directory, { recursive: true, mode: 0o755 })
    await chown(directory, user.uid, user.gid)
  }
}
