import { systemClock } from '../core/clock.ts'
import { type Commands, examples } from './command.ts'
import { type PlaceOptions, pathsOf } from './places.ts'
import { makeAdjustableLogger, withServiceOptions } from './service.ts'

/** What the edge may take to stop beyond the drain of its connections, in seconds. */
const stopMargin = 10

/** `omada-host edge` */
export function addEdgeCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('edge'))
    .description('run the half that faces the network: discovery, proxies, status page. Needs no privilege')
    .addOption(program.createOption('--handover', 'take what is needed from the parent process').hideHelp())
    .addHelpText('after', examples(['omada-host edge', 'the edge alone, as configured by the host, another service']))
    .action(
      action(async (options: PlaceOptions & { handover?: boolean }) => {
        // All modules first: after the handover this process may be a user that cannot read them.
        const { runEdge } = await import('../edge/edge.ts')
        const { createNotifier } = await import('../systemd/notify.ts')
        const { awaitHandover } = await import('../edge/await-handover.ts')
        const { startByHandover } = await import('../edge/handover.ts')
        const { underWatchdog } = await import('../edge/watchdog.ts')
        const { logger, setLevel } = await makeAdjustableLogger(context, 'info')
        const notifier = createNotifier({ env: context.env, logger })
        const paths = pathsOf(context, options)
        const { signal } = context
        const byParent = options.handover === true
        await underWatchdog({ env: context.env, signal, notifier, logger, clock: systemClock }, async (alive) => {
          const { config, certificate } = byParent
            ? await startByHandover(context.parent, signal)
            : await awaitHandover({ path: paths.handoverFile, logger, clock: systemClock, notifier, signal })
          setLevel(config.log.level)
          await runEdge({
            config,
            paths,
            logger,
            clock: systemClock,
            signal,
            started: () => void notifier.status('Serving'),
            ending: async () => {
              await notifier.stopping()
              await notifier.extendTimeout((config.proxy.drainSeconds + stopMargin) * 1000)
            },
            ...(alive === undefined ? {} : { alive }),
            ...(certificate === undefined ? {} : { certificate }),
            ...(byParent ? {} : { setLogLevel: setLevel }),
          })
        })
        return 0
      }),
    )
}
