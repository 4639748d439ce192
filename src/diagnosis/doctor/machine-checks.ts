import { readFileSync } from 'node:fs'
import { appliancePorts, type PortKey } from '../../config/appliance-ports.ts'
import type { Config } from '../../config/schema.ts'
import { systemCode } from '../../core/errors.ts'
import { diskFault, levelOf, readFileSystems } from '../../host/disks/disk-space.ts'
import type { Place } from '../../host/disks/storage-places.ts'
import { fetchState } from '../../ipc/client.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import { openFilesNeeded, openFilesWarning } from '../../linux/open-files.ts'
import { findPortHolders } from '../../linux/port-holders.ts'
import { unknownInterfaces } from '../../network/access.ts'
import { readLocalAddresses } from '../../network/interfaces.ts'
import { type Check, type CheckResult, fail, failed, ok, warn } from '../finding.ts'

/** No clock that is right shows an earlier time than this program's making. */
const earliest = Date.parse('2026-01-01T00:00:00Z')

/**
 * What can be told of the machine without the engine.
 * @param options.now milliseconds since 1970
 * @param options.places where the appliance and its controller write
 */
export function machineChecks(options: {
  config: Config
  now: () => number
  places: readonly Place[]
  edgeStateSocket: string
}): readonly Check[] {
  const { config, now, places, edgeStateSocket } = options
  return [
    { name: 'room', run: () => checkRoom(places) },
    { name: 'privileges', run: () => [checkRoot()] },
    { name: 'clock', run: () => [checkClock(now())] },
    { name: 'interfaces', run: () => checkInterfaces(config) },
    { name: 'ipv6', run: () => [checkIpv6(config)] },
    { name: 'open files', run: () => checkOpenFiles(config) },
    { name: 'ports', run: (signal) => checkPorts(config, edgeStateSocket, signal) },
  ]
}

/** Whether there is room where the appliance and its controller write. */
async function checkRoom(places: readonly Place[]): Promise<readonly CheckResult[]> {
  const fileSystems = await readFileSystems(places)
  const scarce = fileSystems.flatMap((fileSystem) => {
    const level = levelOf(fileSystem)
    if (level === 'ok') return []
    const result = failed(diskFault(fileSystem, level))
    return [level === 'full' ? result : { ...result, status: 'warn' as const }]
  })
  if (scarce.length > 0) return scarce
  const free = fileSystems.map(({ places: [{ path }], freeMegabytes }) => `${freeMegabytes} MB for ${path}`)
  return [ok(free.length === 0 ? 'nothing was written on this machine yet' : `free are ${free.join(', ')}`)]
}

function checkRoot(): CheckResult {
  const user = process.getuid?.()
  if (user === 0) return ok('doctor runs as root and sees everything')
  return warn(
    `doctor runs as user ${user}: it cannot see every process, and omada-host run needs root`,
    'sudo omada-host doctor',
  )
}

function checkClock(now: number): CheckResult {
  const time = new Date(now).toISOString()
  if (now >= earliest) return ok(`${time}; compare it, the controller drops devices 20 s off`)
  return fail(
    `the clock shows ${time}: the controller ignores devices whose clock differs by more than 20 s`,
    'set the clock: timedatectl set-ntp true, or install chrony',
  )
}

function checkInterfaces(config: Config): readonly CheckResult[] {
  const known = [...new Set(readLocalAddresses().map((local) => local.interface))]
  const listed = known.filter((name) => name !== 'lo').join(', ')
  const unknown = unknownInterfaces(config.access, known).map(failed)
  if (unknown.length > 0) return unknown
  if (listed !== '') return [ok(`with an address: ${listed}`)]
  return [
    fail(
      'no network interface but the loopback has an address: no device can reach this machine',
      'give the machine an address on the network of the devices',
    ),
  ]
}

function checkIpv6(config: Config): CheckResult {
  if (config.proxy.listen === '0.0.0.0') return ok('proxy.listen is IPv4 only')
  try {
    readFileSync('/proc/net/if_inet6')
    return ok('the ports are served over IPv4 and IPv6')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return ok('the kernel has no IPv6: the ports are served over IPv4 alone')
  }
}

function checkOpenFiles(config: Config): readonly CheckResult[] {
  const warnings = openFilesWarning(config, () => readFileSync('/proc/self/limits', 'utf8'))
  if (warnings.length > 0) return warnings.map(({ message, remedy }) => warn(message, remedy))
  return [ok(`the limit allows the ${openFilesNeeded(config)} that the bounds can need`)]
}

/** Whether the appliance's ports are free, and who holds those that are not. */
async function checkPorts(
  config: Config,
  edgeStateSocket: string,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const ports = appliancePorts(config)
  const own = await ownPorts(edgeStateSocket, signal)
  const holders = await findPortHolders(ports, signal)
  const foreign = holders.filter((holder) => !own.has(portName(holder)))
  if (foreign.length === 0) {
    const state = own.size === 0 ? 'free' : 'free or served by the running omada-host'
    return [ok(`all ${ports.length} are ${state}, as far as this user can see`)]
  }
  // One finding a process, whatever the number of its ports.
  return [...Map.groupBy(foreign, ({ pid }) => pid)].map(([pid, held]) =>
    failed({
      code: 'PORT_IN_USE',
      message: `${held[0]?.process} (pid ${pid}) listens on ${held.map(portName).join(', ')}`,
      remedy: `stop it (ps ${pid} shows what it is): clients know the controller by its own port numbers`,
    }),
  )
}

function portName({ protocol, port }: PortKey): string {
  return `${protocol} ${port}`
}

/** The names of the ports that a running edge has open; none when there is no edge. */
async function ownPorts(edgeStateSocket: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const edge = await fetchState<EdgeState>(edgeStateSocket, signal).catch(() => undefined)
  signal.throwIfAborted()
  if (edge === undefined) return new Set()
  const tcp = edge.proxy.ports.map(({ port, state }) => ({ protocol: 'tcp' as const, port, state }))
  const open = [...tcp, edge.status, ...edge.discovery.listeners].filter(({ state }) => state !== 'failed')
  return new Set(open.map(portName))
}
