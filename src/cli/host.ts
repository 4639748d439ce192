import { type Commands, examples } from './command.ts'
import { type PlaceOptions, withServiceOptions } from './places.ts'

// What these commands need is loaded when one of them is run: the edge, of the same program, does without.

/** `omada-host host` */
export function addHostCommand({ program, context, action }: Commands): void {
  withServiceOptions(program.command('host'))
    .description(
      'run the privileged half: container, probes, jobs. Its end leaves the container running, unless systemd stops it',
    )
    .addHelpText('after', examples(['sudo omada-host host', 'the host alone; the edge runs as another service']))
    .action(action(async (options: PlaceOptions) => (await import('./serve-host.ts')).runService(context, options)))
}

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
    .action(action(async (options: PlaceOptions) => (await import('./serve-host.ts')).runForeground(context, options)))
}

/** `omada-host after-host`: ExecStopPost= of the host's service. Not for people. */
export function addAfterHostCommand({ program, context, action }: Commands): void {
  program
    .command('after-host', { hidden: true })
    .description('started by systemd after a host that ended out of order')
    .action(action(async (options: PlaceOptions) => (await import('./serve-host.ts')).runAfter(context, options)))
}
