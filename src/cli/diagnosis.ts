import { systemClock } from '../core/clock.ts'
import type { CliCommand, PlaceOptions } from './command.ts'
import { configFileOf, loadConfigOf, pathsOf } from './places.ts'
import { formatFindings } from './report.ts'

interface DiagnosisOptions extends PlaceOptions {
  readonly json?: boolean
}

const jsonOption = ['--json', 'print JSON: check, status, code, message and remedy of every finding'] as const

/** `omada-host doctor` */
export function addDoctorCommand(program: CliCommand): void {
  program
    .command('doctor')
    .description('look over this machine and say what would keep the appliance from working; changes nothing')
    .option(...jsonOption)
    .example('sudo omada-host doctor', 'before the first start, or when something does not work')
    .example('omada-host doctor --json', 'for a program; without root it sees less')
    .work(async (context, options: DiagnosisOptions) => {
      const { examine } = await import('../diagnosis/doctor/examine.ts')
      const findings = await examine({
        configPath: configFileOf(context, options).path,
        load: () => loadConfigOf(context, options),
        paths: pathsOf(context, options),
        signal: context.signal,
      })
      context.stdout.write(formatFindings(findings, options))
      return findings.some(({ status }) => status === 'fail') ? 1 : 0
    })
}

/** How long a broadcast is waited for, in seconds: devices announce themselves every ten. */
const waitSeconds = 30

/** `omada-host netcheck` */
export function addNetcheckCommand(program: CliCommand): void {
  program
    .command('netcheck')
    .description(
      'look at the network as the devices need it: broadcasts, answers, port 29814, other appliances and controllers, ' +
        'firewall, clock; sends one question to each network of the devices, changes nothing. ' +
        'Exits with 1 when there is something to mend, with 69 when only the running appliance could tell the rest',
    )
    .option(...jsonOption)
    .example('sudo omada-host netcheck', 'while the appliance runs: without it, or without root, less can be measured')
    .example('sudo omada-host netcheck --json', 'for a program')
    .work(async (context, options: DiagnosisOptions) => {
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
    })
}
