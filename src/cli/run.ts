import { type Commands, examples } from './command.ts'
import { type PlaceOptions, placeOptions } from './places.ts'
import { withServiceOptions } from './service.ts'

/** `omada-host run` */
export function addRunCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('run'))
    .description('run the whole appliance in the foreground. Ctrl-C stops the controller with its grace period')
    .addHelpText(
      'after',
      examples(
        ['sudo omada-host run', 'with /etc/omada-host/config.yaml, or all defaults without it'],
        ['sudo omada-host --config my.yaml run', 'with another configuration'],
        ['sudo OMADA_HOST_LOG_LEVEL=debug omada-host run', 'tell more of what it does'],
      ),
    )
    .action(
      action(async (options: PlaceOptions) => {
        const { serveHost } = await import('./serve-host.ts')
        const { runForeground } = await import('../host/run.ts')
        const edgeCommand = [...context.self, 'edge', '--handover', ...placeOptions(context, options)]
        return await serveHost(context, options, (basics) => runForeground({ ...basics, edgeCommand }))
      }),
    )
}
