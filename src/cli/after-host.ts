import { systemClock } from '../core/clock.ts'
import type { Commands } from './command.ts'
import { loadConfigOf, type PlaceOptions } from './places.ts'
import { makeLogger } from './service.ts'
import { applianceVersion } from './version.ts'

/** `omada-host after-host`: ExecStopPost= of the host's service. Not for people. */
export function addAfterHostCommand({ program, context, action }: Commands): void {
  program
    .command('after-host', { hidden: true })
    .description('started by systemd after a host that ended out of order')
    .action(
      action(async (options: PlaceOptions) => {
        const { runAfterHost } = await import('../host/farewell.ts')
        const { createNotifier } = await import('../systemd/notify.ts')
        const { config } = await loadConfigOf(context, options)
        const logger = await makeLogger(context, config.log.level)
        await runAfterHost({
          config,
          logger,
          clock: systemClock,
          version: applianceVersion,
          notifier: createNotifier({ env: context.env, logger }),
          signal: context.signal,
        })
        return 0
      }),
    )
}
