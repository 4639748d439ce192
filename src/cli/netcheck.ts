import { systemClock } from '../core/clock.ts'
import { type Commands, examples, type GlobalOptions } from './command.ts'
import { loadConfigOf, pathsOf } from './places.ts'
import { formatFindings } from './report.ts'

interface NetcheckOptions extends GlobalOptions {
  readonly json?: boolean
}

/** How long a broadcast is waited for, in seconds: devices announce themselves every ten. */
const waitSeconds = 30

/** `omada-host netcheck` */
export function addNetcheckCommand({ program, context, action }: Commands): void {
  program
    .command('netcheck')
    .description(
      'look at the network as the devices need it: broadcasts, answers, port 29814, other appliances and controllers, ' +
        'firewall, clock; sends one question to each network of the devices, changes nothing. ' +
        'Exits with 1 when there is something to mend, with 69 when only the running appliance could tell the rest',
    )
    .option('--json', 'print JSON: check, status, message and remedy of every finding')
    .addHelpText(
      'after',
      examples(
        ['sudo omada-host netcheck', 'while the appliance runs: without it, or without root, less can be measured'],
        ['sudo omada-host netcheck --json', 'for a program'],
      ),
    )
    .action(
      action(async (options: NetcheckOptions) => {
        const { netcheck } = await import('../diagnosis/netcheck/netcheck.ts')
        const { readLocalAddresses } = await import('../network/interfaces.ts')
        const { config } = await loadConfigOf(context, options)
        const { findings, appliance } = await netcheck({
          config,
          edgeStateSocket: pathsOf(context, options).edgeStateSocket,
          addresses: readLocalAddresses(),
          clock: systemClock,
          signal: context.signal,
          waitSeconds,
          waiting: () => context.stderr.write(`listening for broadcasts for up to ${waitSeconds} s\n`),
        })
        context.stdout.write(formatFindings(findings, options))
        if (findings.some(({ status }) => status === 'fail')) return 1
        return appliance === undefined ? 0 : 69
      }),
    )
}
