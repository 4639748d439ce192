import { systemClock } from '../core/clock.ts'
import { ApplianceError } from '../core/errors.ts'
import type { CliCommand, PlaceOptions } from './command.ts'
import { pathsOf, stateDirectoryOption } from './places.ts'
import { makeLogger } from './report.ts'

/** What the edge may take to stop beyond the drain of its connections, in seconds. */
const stopMarginSeconds = 10

/** `omada-host edge` */
export function addEdgeCommand(program: CliCommand): void {
  program
    .command('edge')
    .option(...stateDirectoryOption)
    .description('run the half that faces the network: discovery, proxies, status page. Needs no privilege')
    .addOption(program.createOption('--user <uid:gid>', 'become this user, for good').hideHelp())
    .example('omada-host edge', 'the edge alone, as configured by the host, another service')
    .work(async (context, options: PlaceOptions & { user?: string }) => {
      // All modules first: the user that this process becomes may not be able to read them.
      const { runEdge } = await import('../edge/edge.ts')
      const { createNotifier } = await import('../systemd/notify.ts')
      const { underWatchdog } = await import('../edge/watchdog.ts')
      const { dropPrivileges } = await import('../linux/privileges.ts')
      const { applianceVersion } = await import('./version.ts')
      const { logger, setLevel } = await makeLogger(context, 'info')
      if (options.user !== undefined) dropPrivileges(userIds(options.user))
      const notifier = createNotifier({ env: context.env, logger })
      const { signal } = context
      await underWatchdog({ env: context.env, signal, notifier, logger, clock: systemClock }, (alive) =>
        runEdge({
          paths: pathsOf(context, options),
          version: applianceVersion,
          restarted: options.user === undefined ? 'omada-host-edge' : 'omada-host run',
          logger,
          setLogLevel: setLevel,
          clock: systemClock,
          signal,
          waiting: () => void notifier.status('Waiting for omada-host to say what is in force'),
          started: () => void notifier.status('Serving'),
          ending: async (drainSeconds) => {
            await notifier.stopping()
            await notifier.extendTimeout((drainSeconds + stopMarginSeconds) * 1000)
          },
          alive,
        }),
      )
      return 0
    })
}

function userIds(text: string): { uid: number; gid: number } {
  const [uid, gid] = /^[1-9]\d*:[1-9]\d*$/.test(text) ? text.split(':').map(Number) : []
  if (uid !== undefined && gid !== undefined) return { uid, gid }
  throw new ApplianceError({
    code: 'USAGE',
    message: '--user wants numbers, UID:GID, and neither is 0',
    remedy: 'omada-host edge, without --user: it is for omada-host run, which starts the edge as another user',
  })
}
