import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import { fetchState } from '../../ipc/client.ts'
import type { EdgeState } from '../../ipc/edge-state.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import { discoveryPort } from '../../omada/ports.ts'
import { type Check, type Finding, fail, runChecks, unknown } from '../finding.ts'
import { readFilter } from '../packet-filter/filter-reader.ts'
import { firewallCheck, letsIn } from '../packet-filter/firewall.ts'
import { askPeers } from './ask-peers.ts'
import { clockCheck, readClock } from './clock.ts'
import { lanChecks } from './lan.ts'
import { type ServedNetwork, servedNetworks } from './networks.ts'
import { wayOut } from './way-out.ts'

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

/** How often the edge is asked whether a broadcast has come in. */
const askEveryMilliseconds = 500
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
  const checks: readonly Check[] = [
    ...(fault === undefined ? [] : [applianceCheck(fault)]),
    ...(devices.length === 0 ? [networkCheck] : []),
    ...devices.flatMap(({ network }, index) =>
      lanChecks({
        network,
        edge,
        asked: asked[index] ?? { answers: [] },
        own,
        waitedSeconds: options.waitSeconds,
        audible: letsIn(network, edge === undefined ? anyPort : discoveryPort, filter),
      }),
    ),
    ...served.map(({ network, ports }) => firewallCheck(network, ports, filter)),
    ...served.map(({ network }) => wayOut(network)),
    clockCheck(clock),
  ]
  return { findings: await runChecks(checks, signal), ...(fault === undefined ? {} : { appliance: fault }) }
}

const networkCheck: Check = {
  name: 'network',
  run: () => [
    fail(
      'this machine has no IPv4 address on a network where devices are served: no device can find it',
      'give it an address (ip address), or correct access.devices',
    ),
  ],
}

function applianceCheck({ message, remedy }: Fault): Check {
  const result = unknown(`what only the running edge can tell is not measured: ${message}`, remedy)
  return { name: 'appliance', run: () => [result] }
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
    await clock.sleep(askEveryMilliseconds, signal)
  }
}
