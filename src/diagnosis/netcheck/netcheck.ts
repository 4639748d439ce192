import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import { fetchState } from '../../ipc/client.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import { discoveryPort } from '../../omada/ports.ts'
import type { Finding } from '../finding.ts'
import { type FilterFacts, readFilter } from '../packet-filter/filter-reader.ts'
import { firewallFindings, letsIn } from '../packet-filter/firewall.ts'
import { askPeers } from './ask-peers.ts'
import { clockFinding, readClock } from './clock.ts'
import { lanFindings } from './lan.ts'
import { type ServedNetwork, servedNetworks } from './networks.ts'

export interface NetcheckOptions {
  readonly config: Config
  readonly edgeStateSocket: string
  readonly addresses: readonly LocalAddress[]
  readonly clock: Clock
  readonly signal: AbortSignal
  /** How long a broadcast is waited for where none has come in yet. */
  readonly waitSeconds: number
  /** Called when it is waited for. */
  readonly waiting?: () => void
}

/** `appliance`: why this machine's edge could not be asked, in which case some findings are `unknown`. */
export interface NetcheckResult {
  readonly findings: readonly Finding[]
  readonly appliance?: Fault
}

/** How often the edge is asked whether a broadcast has come in, in milliseconds. */
const askEvery = 500
/** A UDP port such as those that the kernel gives to sockets that want any. */
const anyPort = 40_000

/** Looks at the network as far as that is possible from this machine alone. Rejects only with the signal's reason. */
export async function netcheck(options: NetcheckOptions): Promise<NetcheckResult> {
  const { config, signal } = options
  const served = servedNetworks(config, options)
  const devices = served.filter(({ roles }) => roles.has('devices'))
  const [watched, filter, clock, asked] = await Promise.all([
    watchBroadcasts(options, devices),
    readFilter(signal),
    readClock(signal),
    // One datagram a network, and none where no device is served.
    Promise.all(devices.map(({ network }) => askPeers(network, signal))),
  ])
  const own = new Set(options.addresses.map(({ address }) => address))
  const { edge, fault } = watched
  const lan = devices.flatMap(({ network }, index) =>
    lanFindings({
      network,
      edge,
      asked: asked[index] ?? { answers: [] },
      own,
      waitedSeconds: options.waitSeconds,
      audible: letsIn(network, edge === undefined ? anyPort : discoveryPort, filter),
    }),
  )
  return {
    findings: [
      ...(fault === undefined ? [] : [absentFinding(fault)]),
      ...(devices.length === 0 ? [noNetwork] : []),
      ...lan,
      ...served.flatMap((one) => filterFindings(one, filter)),
      clockFinding(clock),
    ],
    ...(fault === undefined ? {} : { appliance: fault }),
  }
}

function filterFindings({ network, ports }: ServedNetwork, filter: FilterFacts): readonly Finding[] {
  return firewallFindings(network, ports, filter)
}

const noNetwork: Finding = {
  check: 'network',
  status: 'fail',
  message: 'this machine has no IPv4 address on a network where devices are served: no device can find it',
  remedy: 'give it an address (ip address), or correct access.devices',
}

function absentFinding({ message, remedy }: Fault): Finding {
  return {
    check: 'appliance',
    status: 'unknown',
    message: `what only the running edge can tell is not measured: ${message}`,
    remedy,
  }
}

/** The edge's state as soon as a broadcast has come in on every network, or after the wait; or why there is none. */
async function watchBroadcasts(
  options: NetcheckOptions,
  devices: readonly ServedNetwork[],
): Promise<{ edge?: EdgeState; fault?: Fault }> {
  const { clock, signal, edgeStateSocket } = options
  const end = clock.now() + options.waitSeconds * 1000
  let told = false
  for (;;) {
    try {
      const edge = await fetchState<EdgeState>(edgeStateSocket, signal)
      const seen = new Set(edge.discovery.broadcasts?.map((one) => one.interface))
      const complete = devices.every(({ network }) => seen.has(network.interface))
      if (complete || clock.now() >= end) return { edge }
    } catch (error) {
      if (signal.aborted || !(error instanceof ApplianceError)) throw error
      return { fault: error.fault }
    }
    if (!told) options.waiting?.()
    told = true
    await clock.sleep(askEvery, signal)
  }
}
