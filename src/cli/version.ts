import { applianceVersion } from './appliance-version.ts'
import { type Commands, examples } from './command.ts'

/** `omada-host version` */
export function addVersionCommand({ program, context, action }: Commands): void {
  program
    .command('version')
    .description('print the version')
    .addHelpText('after', examples(['omada-host version', 'the version, and that of its Node.js']))
    .action(
      action(async () => {
        context.stdout.write(`omada-host ${applianceVersion} (Node.js ${process.versions.node})\n`)
        return 0
      }),
    )
}
