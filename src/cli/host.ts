import { systemClock } from '../core/clock.ts'
import { applianceVersion } from './appliance-version.ts'
import { type Commands, examples } from './command.ts'
import { type PlaceOptions, pathsOf } from './places.ts'
import { answerImpatience, makeLogger, withServiceOptions } from './service.ts'

/** `omada-host host` */
export function addHostCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('host'))
    .description('run the privileged half: container, probes, jobs. Its end leaves the container running')
    .addHelpText('after', examples(['sudo omada-host host', 'the host alone; the edge runs as another service']))
    .action(
      action(async (options: PlaceOptions) => {
        const { loadConfigOf } = await import('./load.ts')
        const { config, warnings } = await loadConfigOf(context, options)
        const logger = await makeLogger(context, config.log.level)
        const { runHost } = await import('../host.ts')
        const { createNotifier } = await import('../systemd/notify.ts')
        const stopAnswering = answerImpatience(context, logger, config.controller.stopGraceSeconds)
        try {
          await runHost({
            config,
            warnings,
            paths: pathsOf(context, options),
            logger,
            clock: systemClock,
            version: applianceVersion,
            signal: context.signal,
            notifier: createNotifier({ env: context.env, logger }),
            probeCommand: [...context.self, 'probe'],
            controllerOnStop: 'leave',
          })
        } finally {
          stopAnswering()
        }
        return 0
      }),
    )
}
