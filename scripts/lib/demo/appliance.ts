import { appendFileSync, chmodSync, existsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Paths, pathsBelow } from '../../../src/ipc/paths.ts'
import { Child } from '../../../test/support/child.ts'
import { command } from '../../../test/support/command.ts'
import type { Ledger } from '../../../test/support/ledger.ts'
import type { Places } from './places.ts'

const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

export const imageTag = 'localhost/omada-standin:6.2'
const name = 'omada-demo-controller'
const volumes = ['omada-demo-data', 'omada-demo-logs']

/** The appliance of the demo and where it tells its state. */
export interface DemoAppliance {
  readonly child: Child
  readonly paths: Paths
}

/** Builds the stand-in image into this machine's Podman; an image of that name that was there before stays. */
export async function prepareImage(ledger: Ledger, log: string): Promise<void> {
  const existed = await succeeds(['podman', 'image', 'exists', imageTag])
  if (!existed) ledger.willMake(`image ${imageTag}`, ifExists('image', imageTag, `image rm ${imageTag}`))
  const build = [process.execPath, join(projectRoot, 'test/standin/image.ts'), '--tag', imageTag, '--podman']
  appendFileSync(log, `${await command(build, { timeoutMilliseconds: 180_000 })}\n`)
}

/** Starts `omada-host run` with names of its own and device access on the virtual LAN alone. */
export async function controllerAppliance(
  ledger: Ledger,
  options: { places: Places; lan: string; log: string },
): Promise<DemoAppliance> {
  const { places, lan, log } = options
  const { directory } = ledger
  // Podman keeps the addresses in use by network name, in one place for all storages of a machine.
  const network = basename(directory).replace('host-', '')
  // The edge runs as an unprivileged user and has its socket and state below this directory.
  chmodSync(directory, 0o755)
  const config = {
    controller: { image: imageTag, pull: 'never', name, dataVolume: volumes[0], logsVolume: volumes[1] },
    network: {
      name: network,
      subnet: places.controllerSubnet,
      controllerAddress: places.controllerAddress,
    },
    // Podman, and not Docker where that answers too: the image is in Podman's storage. omada-host starts its service.
    engine: { socket: join(directory, 'podman.sock') },
    access: { devices: [lan], guests: [lan] },
  }
  const configFile = join(directory, 'config.yaml')
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(config, null, 2))

  ledger.willMake(`network ${network}`, ifExists('network', network, `network rm --force ${network}`))
  for (const volume of volumes) ledger.willMake(`volume ${volume}`, ifExists('volume', volume, `volume rm ${volume}`))
  ledger.willMake(`container ${name}`, ifExists('container', name, `rm --force --time 60 ${name}`))
  const program = join(projectRoot, 'dist/omada-host')
  if (!existsSync(program)) throw new Error(`${program} is missing; run: npm run build`)
  const runtime = join(directory, 'run')
  const state = join(directory, 'lib')
  const child = await Child.start(ledger, {
    what: 'omada-host run',
    argv: [program, 'run', '--config', configFile, '--runtime-dir', runtime, '--state-dir', state],
    graceMilliseconds: 150_000,
  })
  child.lines.on((line) => appendFileSync(log, `${line}\n`))
  return { child, paths: pathsBelow(runtime, state) }
}

function ifExists(kind: string, object: string, undo: string): string[] {
  return ['sh', '-c', `! podman ${kind} exists ${object} || podman ${undo}`]
}

/** Whether a command that answers by its exit code says yes. */
export function succeeds(argv: readonly string[]): Promise<boolean> {
  return command(argv).then(
    () => true,
    () => false,
  )
}
