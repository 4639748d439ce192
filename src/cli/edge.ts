import { systemClock } from '../core/clock.ts'
import { type Commands, examples } from './command.ts'
import type { CliContext } from './context.ts'
import type { EdgeStart } from './edge-handover.ts'
import { type PlaceOptions, pathsOf } from './places.ts'
import { withServiceOptions } from './service.ts'

/** `omada-host edge` */
export function addEdgeCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('edge'))
    .description('run the half that faces the network: discovery, proxies, status page. Needs no privilege')
    .addOption(program.createOption('--handover', 'take what is needed from the parent process').hideHelp())
    .addHelpText('after', examples(['omada-host edge', 'the edge alone; the host runs as another service']))
    .action(
      action(async (options: PlaceOptions & { handover?: boolean }) => {
        // All modules first: after the handover this process may be a user that cannot read them.
        const { runEdge } = await import('../edge.ts')
        const { createNotifier } = await import('../systemd/notify.ts')
        const { config, logger, certificate } =
          options.handover === true ? await byHandover(context) : await alone(context, options)
        const notifier = createNotifier({ env: context.env, logger })
        await runEdge({
          config,
          paths: pathsOf(context, options),
          logger,
          clock: systemClock,
          signal: context.signal,
          started: () => void notifier.ready(),
          ...(certificate === undefined ? {} : { certificate }),
        })
        return 0
      }),
    )
}

async function byHandover(context: CliContext): Promise<EdgeStart> {
  const { startByHandover } = await import('./edge-handover.ts')
  return await startByHandover(context)
}

async function alone(context: CliContext, options: PlaceOptions): Promise<EdgeStart> {
  const { startAlone } = await import('./edge-alone.ts')
  return await startAlone(context, options)
}
