import { type Commands, examples } from './command.ts'
import type { PlaceOptions } from './places.ts'
import { withServiceOptions } from './service.ts'

/** `omada-host host` */
export function addHostCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('host'))
    .description(
      'run the privileged half: container, probes, jobs. Its end leaves the container running, unless systemd stops it',
    )
    .addHelpText('after', examples(['sudo omada-host host', 'the host alone; the edge runs as another service']))
    .action(
      action(async (options: PlaceOptions) => {
        const { serveHost } = await import('./serve-host.ts')
        const { runHostService } = await import('../host-service.ts')
        const { watchdogTimeout } = await import('../systemd/watchdog.ts')
        return await serveHost(context, options, (basics) =>
          runHostService({
            ...basics,
            reloads: context.acceptReloads(),
            notified: context.env.NOTIFY_SOCKET !== undefined,
            watchdogMilliseconds: watchdogTimeout(context.env, process.pid),
          }),
        )
      }),
    )
}
