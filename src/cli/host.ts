import { ApplianceError } from '../core/errors.ts'
import type { CliCommand } from './command.ts'
import { stateDirectoryOption } from './places.ts'

// What these commands need is loaded when one of them is run: the edge, of the same program, does without.

/** `omada-host host` */
export function addHostCommand(program: CliCommand): void {
  program
    .command('host')
    .option(...stateDirectoryOption)
    .description(
      'run the privileged half: container, probes, jobs. Its end leaves the container running, unless systemd stops it',
    )
    .example('sudo omada-host host', 'the host alone; the edge runs as another service')
    .work(async (context, options) => (await import('./serve-host.ts')).runService(context, options))
}

/** `omada-host run` */
export function addRunCommand(program: CliCommand): void {
  program
    .command('run')
    .option(...stateDirectoryOption)
    .description('run the whole appliance in the foreground. Ctrl-C stops the controller with its grace period')
    .example('sudo omada-host run', 'with /etc/omada-host/config.yaml, or all defaults without it')
    .example('sudo omada-host --config my.yaml run', 'with another configuration')
    .example('sudo OMADA_HOST_LOG_LEVEL=debug omada-host run', 'tell more of what it does')
    .work(async (context, options) => (await import('./serve-host.ts')).runForeground(context, options))
}

/** `omada-host after-host`: ExecStopPost= of the host's service. Not for people. */
export function addAfterHostCommand(program: CliCommand): void {
  program
    .command('after-host', { hidden: true })
    .description('started by systemd after a host that ended out of order')
    .work(async (context, options) => (await import('./serve-host.ts')).runAfter(context, options))
}

/** `omada-host probe`: the child that the host starts inside the container's network namespace. Not for people. */
export function addProbeCommand(program: CliCommand): void {
  program
    .command('probe', { hidden: true })
    .description('started by omada-host itself')
    .work(async ({ parent, signal }) => {
      if (parent === undefined) {
        throw new ApplianceError({
          code: 'USAGE',
          message: 'probe is started by omada-host itself, with a channel to talk over',
          remedy: 'omada-host status shows what the probes see',
        })
      }
      const { runProbeChild } = await import('../host/health/probe-child.ts')
      await runProbeChild({ signal, channel: parent })
      return 0
    })
}
