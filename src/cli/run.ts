import { systemClock } from '../core/clock.ts'
import { applianceVersion } from './appliance-version.ts'
import { type Commands, examples } from './command.ts'
import { type PlaceOptions, pathsOf, placeOptions } from './places.ts'
import { answerImpatience, makeLogger, withServiceOptions } from './service.ts'

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
        const { loadConfigOf } = await import('./load.ts')
        const { config, warnings } = await loadConfigOf(context, options)
        const logger = await makeLogger(context, config.log.level)
        const { runForeground } = await import('../run.ts')
        const { createNotifier } = await import('../systemd/notify.ts')
        const stopAnswering = answerImpatience(context, logger, config.controller.stopGraceSeconds)
        try {
          await runForeground({
            config,
            warnings,
            paths: pathsOf(context, options),
            logger,
            clock: systemClock,
            version: applianceVersion,
            signal: context.signal,
            notifier: createNotifier({ env: context.env, logger }),
            probeCommand: [...context.self, 'probe'],
            edgeCommand: [...context.self, 'edge', '--handover', ...placeOptions(context, options)],
          })
        } finally {
          stopAnswering()
        }
        return 0
      }),
    )
}
