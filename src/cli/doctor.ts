import { type Commands, examples, type GlobalOptions } from './command.ts'
import { configFileOf, loadConfigOf, pathsOf } from './places.ts'
import { formatFindings } from './report.ts'

interface DoctorOptions extends GlobalOptions {
  readonly json?: boolean
}

/** `omada-host doctor` */
export function addDoctorCommand({ program, context, action }: Commands): void {
  program
    .command('doctor')
    .description('look over this machine and say what would keep the appliance from working; changes nothing')
    .option('--json', 'print JSON: check, status, message and remedy of every finding')
    .addHelpText(
      'after',
      examples(
        ['sudo omada-host doctor', 'before the first start, or when something does not work'],
        ['omada-host doctor --json', 'for a program; without root it sees less'],
      ),
    )
    .action(
      action(async (options: DoctorOptions) => {
        const { examine } = await import('../diagnosis/doctor/examine.ts')
        const { path } = configFileOf(context, options)
        const findings = await examine({
          configPath: path,
          load: () => loadConfigOf(context, options),
          paths: pathsOf(context, options),
          signal: context.signal,
        })
        context.stdout.write(formatFindings(findings, options))
        return findings.some(({ status }) => status === 'fail') ? 1 : 0
      }),
    )
}
