import { appliancePorts, type PortKey } from '../../config/appliance-ports.ts'
import type { Config } from '../../config/schema.ts'
import { fetchState } from '../../ipc/client.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import { findPortHolders } from '../../linux/port-holders.ts'
import type { Check, Finding } from '../finding.ts'

/** Whether the appliance's ports are free, and who holds those that are not. */
export function portChecks(config: Config, edgeStateSocket: string): readonly Check[] {
  return [{ name: 'ports', run: (signal) => checkPorts(config, edgeStateSocket, signal) }]
}

async function checkPorts(config: Config, edgeStateSocket: string, signal: AbortSignal): Promise<readonly Finding[]> {
  const check = 'ports'
  const ports = appliancePorts(config)
  const own = await ownPorts(edgeStateSocket, signal)
  const holders = await findPortHolders(ports, signal)
  const foreign = holders.filter(({ protocol, port }) => !own.has(`${protocol}/${port}`))
  if (foreign.length === 0) {
    const state = own.size === 0 ? 'free' : 'free or served by the running omada-host'
    return [{ check, status: 'ok', message: `all ${ports.length} are ${state}, as far as this user can see` }]
  }
  // One finding a process, whatever the number of its ports.
  return [...Map.groupBy(foreign, ({ pid }) => pid)].map(([pid, held]) => ({
    check,
    status: 'fail',
    message: `[PORT_IN_USE] ${held[0]?.process} (pid ${pid}) listens on ${held.map(portName).join(', ')}`,
    remedy: `stop it (ps ${pid} shows what it is): clients know the controller by its own port numbers`,
  }))
}

function portName({ protocol, port }: PortKey): string {
  return `${protocol} ${port}`
}

/** The ports that a running edge has open, as `tcp/8043`; none when there is no edge. */
async function ownPorts(edgeStateSocket: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const edge = await fetchState<EdgeState>(edgeStateSocket, signal).catch(() => undefined)
  signal.throwIfAborted()
  if (edge === undefined) return new Set()
  const tcp = edge.proxy.ports.map(({ port, state }) => ({ protocol: 'tcp', port, state }))
  const open = [...tcp, edge.status, ...edge.discovery.listeners].filter(({ state }) => state !== 'failed')
  return new Set(open.map(({ protocol, port }) => `${protocol}/${port}`))
}
