import { type Commands, examples } from './command.ts'
import type { PlaceOptions } from './places.ts'
import { withServiceOptions } from './service.ts'

/** `omada-host host` */
export function addHostCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('host'))
    .description('run the privileged half: container, probes, jobs. Its end leaves the container running')
    .addHelpText('after', examples(['sudo omada-host host', 'the host alone; the edge runs as another service']))
    .action(
      action(async (options: PlaceOptions) => {
        const { serveHost } = await import('./serve-host.ts')
        const { runHost } = await import('../host.ts')
        return await serveHost(context, options, (basics) => runHost({ ...basics, controllerOnStop: 'leave' }))
      }),
    )
}
