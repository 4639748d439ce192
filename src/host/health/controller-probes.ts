import { once } from 'node:events'
import { createConnection } from 'node:net'
import { messageOf } from '../../core/errors.ts'
import { externalDatabaseTrouble } from '../../omada/external-database.ts'
import { appDiscoveryPort, discoveryPort, embeddedDatabasePort, managementPort, webPorts } from '../../omada/ports.ts'
import type { ProbedName } from './condition-table.ts'
import { probeInfo } from './info-probe.ts'
import type { DatabaseReport } from './probe-messages.ts'
import type { ProbeProcess } from './probe-process.ts'
import type { Probe, ProbeResult } from './schedule.ts'

/** The controller's own ports. */
export const controllerProbePorts = {
  /** HTTPS, the info API. */
  info: 8043,
  web: webPorts.map((web) => web.port),
  device: managementPort,
  discovery: discoveryPort,
  appDiscovery: appDiscoveryPort,
  database: embeddedDatabasePort,
}

/** Where the probes look. */
export type ProbePorts = Readonly<typeof controllerProbePorts>

/** The probes of one controller, one for each probed condition. */
export function controllerProbes(options: {
  address: string
  ports: ProbePorts
  /** The child in the container's network namespace; undefined while that is not known. */
  inside: ProbeProcess | undefined
  /** The child that reaches the database. */
  database: ProbeProcess | undefined
  /** The hosts of a database elsewhere, for people; undefined for the controller's own. */
  externalHosts: string | undefined
  intervalMilliseconds: () => number
}): readonly Probe<ProbedName>[] {
  const { address, ports, inside, database, externalHosts, intervalMilliseconds } = options
  const probe = (name: ProbedName, run: Probe['run']): Probe<ProbedName> => ({ name, intervalMilliseconds, run })
  return [
    probe('database', async (signal) => judgeDatabase(await reach(database).database(signal), externalHosts)),
    probe('web', (signal) => probeInfo(address, ports.info, signal)),
    probe('device-port', (signal) => probePorts(address, [ports.device], signal)),
    probe('discovery', (signal) => probeUdp(inside, ports.discovery, signal)),
    probe('web-ports', (signal) => probePorts(address, ports.web, signal)),
    probe('app-discovery', (signal) => probeUdp(inside, ports.appDiscovery, signal)),
  ]
}

/** Writable and answering. The version is not required: an account may lack the right to ask for it. */
function judgeDatabase(report: DatabaseReport, externalHosts: string | undefined): ProbeResult {
  const { pingOk, writable, serverType, version, roundTripMilliseconds, error } = report
  if (!pingOk) {
    const message = error ?? 'it does not answer a ping'
    return {
      ok: false,
      message,
      ...(externalHosts === undefined ? {} : externalDatabaseTrouble(message, externalHosts)),
    }
  }
  if (!writable) return { ok: false, message: `it answers but is not writable (server type ${serverType})` }
  const rounded = roundTripMilliseconds === undefined ? undefined : Math.round(roundTripMilliseconds)
  const detail = [
    `MongoDB${version === undefined ? '' : ` ${version}`}`,
    serverType,
    ...(rounded === undefined ? [] : [rounded === 0 ? '<1 ms' : `${rounded} ms`]),
  ]
  return { ok: true, detail: detail.join(', ') }
}

/** Whether all `ports` of `host` accept a connection, each of which is closed again at once. Names those that do not. */
export async function probePorts(host: string, ports: readonly number[], signal: AbortSignal): Promise<ProbeResult> {
  const tried = ports.map(async (port) => {
    const socket = createConnection({ host, port, signal })
    // Destroying a socket may still raise an error.
    socket.on('error', () => {})
    try {
      await once(socket, 'connect')
      return []
    } catch (error) {
      return [`${port}: ${messageOf(error)}`]
    } finally {
      socket.destroy()
    }
  })
  const refusals = (await Promise.all(tried)).flat()
  return refusals.length === 0 ? { ok: true } : { ok: false, message: refusals.join('; ') }
}

async function probeUdp(inside: ProbeProcess | undefined, port: number, signal: AbortSignal): Promise<ProbeResult> {
  const bound = await reach(inside).boundUdpPorts(signal)
  return bound.has(port) ? { ok: true } : { ok: false, message: `UDP ${port} is not bound` }
}

function reach(process: ProbeProcess | undefined): ProbeProcess {
  if (process === undefined) throw new Error("the container's network namespace is not known")
  return process
}
