import { errorCodes } from '../core/error-codes.ts'
import { isAbort } from '../core/errors.ts'
import { type Commands, examples } from './command.ts'
import type { CliContext } from './context.ts'
import type { PlaceOptions } from './places.ts'
import { reportError } from './report.ts'
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
        const { runHostService } = await import('../host/service.ts')
        const { watchdogTimeout } = await import('../systemd/watchdog.ts')
        const notified = context.env.NOTIFY_SOCKET !== undefined
        let inOrder = false
        const served = serveHost(context, options, (basics) =>
          runHostService({
            ...basics,
            reloads: context.acceptReloads(),
            notified,
            watchdogMilliseconds: watchdogTimeout(context.env, process.pid),
            asked: () => {
              inOrder = true
            },
          }),
        )
        return notified ? await serviceExitCode(served, { context, inOrder: () => inOrder }) : await served
      }),
    )
}

const wrongConfiguration = errorCodes.CONFIG_INVALID.exit
/** As a shell tells of a process that SIGTERM ended. */
const endedBySignal = 143

/**
 * The exit codes that omada-host.service knows: 0 ended in order; 143 ended before it could ask whether the controller is
 * to be stopped; 78 wrong configuration, which is not tried again; 1 for every other failure.
 */
async function serviceExitCode(
  served: Promise<number>,
  { context, inOrder }: { context: CliContext; inOrder: () => boolean },
): Promise<number> {
  const { signal, stderr } = context
  try {
    await served
  } catch (error) {
    if (!signal.aborted || !isAbort(error)) {
      return reportError(error, stderr) === wrongConfiguration ? wrongConfiguration : 1
    }
  }
  return inOrder() ? 0 : endedBySignal
}
