import { ApplianceError } from '../core/errors.ts'
import type { Commands } from './command.ts'

/** `omada-host probe`: the child that the host starts inside the container's network namespace. Not for people. */
export function addProbeCommand({ program, context, action }: Commands): void {
  program
    .command('probe', { hidden: true })
    .description('started by omada-host itself')
    .action(
      action(async () => {
        const { parent } = context
        if (parent === undefined) {
          throw new ApplianceError({
            code: 'USAGE',
            message: 'probe is started by omada-host itself, with a channel to talk over',
            remedy: 'omada-host status shows what the probes see',
          })
        }
        const { runProbeChild } = await import('../host/health/probe-child.ts')
        await runProbeChild({ signal: context.signal, channel: parent, argv: [] })
        return 0
      }),
    )
}
