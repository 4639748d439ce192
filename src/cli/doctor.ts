import { type Commands, examples, type GlobalOptions } from './command.ts'

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
        const { formatFindings } = await import('../diagnosis/doctor/finding.ts')
        const findings = await examine(context, options)
        context.stdout.write(
          options.json === true ? `${JSON.stringify(findings, undefined, 2)}\n` : formatFindings(findings),
        )
        return findings.some(({ status }) => status === 'fail') ? 1 : 0
      }),
    )
}
