import { plainJson } from '../core/text.ts'
import type { EdgeState } from '../ipc/edge-state.ts'
import type { HostState } from '../ipc/host-state.ts'
import type { CliCommand, PlaceOptions } from './command.ts'
import type { CliContext } from './context.ts'
import { pathsOf } from './places.ts'
import type { Halves } from './status-watch.ts'

interface StatusOptions extends PlaceOptions {
  readonly json?: boolean
  readonly watch?: boolean
}

/** `omada-host status` */
export function addStatusCommand(program: CliCommand): void {
  program
    .command('status')
    .description('tell the phase and its reason, conditions, devices and ports. Exits with 0 whatever the phase is')
    .option('--json', 'print the JSON of /api/v1/status')
    .option('--watch', 'print it again whenever it changes, until Ctrl-C; with --json one line each')
    .example('omada-host status', 'once')
    .example('omada-host status --watch', 'live')
    .example('omada-host status --json | jq -r .phase', 'for a program')
    .work(async (context, options: StatusOptions) => {
      const first = await fetchHalves(context, options)
      if (options.watch === true) {
        const { watchStatus } = await import('./status-watch.ts')
        const watched = watchStatus(pathsOf(context, options), context.signal)
        for await (const halves of watched) await printStatus(context, options, halves)
      } else {
        await printStatus(context, options, first)
      }
      return 0
    })
}

/** @throws ApplianceError APPLIANCE_UNREACHABLE when neither half answers: why the host does not */
async function fetchHalves(context: CliContext, options: PlaceOptions): Promise<Halves> {
  const { fetchState } = await import('../ipc/client.ts')
  const { hostStateSocket, edgeStateSocket } = pathsOf(context, options)
  const [host, edge] = await Promise.allSettled([
    fetchState<HostState>(hostStateSocket, context.signal),
    fetchState<EdgeState>(edgeStateSocket, context.signal),
  ])
  if (host.status === 'rejected' && edge.status === 'rejected') throw host.reason
  return {
    host: host.status === 'fulfilled' ? host.value : undefined,
    edge: edge.status === 'fulfilled' ? edge.value : undefined,
  }
}

async function printStatus(context: CliContext, options: StatusOptions, halves: Halves): Promise<void> {
  const { mergeStatus } = await import('../edge/status/merge.ts')
  const { formatStatus } = await import('./status-view.ts')
  const { host, edge, ...rest } = halves
  const status = mergeStatus(host, edge, rest)
  if (options.json === true) {
    context.stdout.write(`${plainJson(status, options.watch === true ? undefined : 2)}\n`)
    return
  }
  // On a terminal the new one takes the place of the old: cursor home, clear to the end (ECMA-48 CUP, ED).
  const clear = options.watch === true && context.stdout.isTTY === true ? '\u001b[H\u001b[J' : ''
  context.stdout.write(`${clear}${formatStatus(status, edge?.devices ?? [], Date.now())}\n`)
}
