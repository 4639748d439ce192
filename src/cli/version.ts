import manifest from '../../package.json' with { type: 'json' }
import type { CliCommand } from './command.ts'

/** This program's version, as it goes into labels, the state and `omada-host version`. */
export const applianceVersion: string = manifest.version

/** `omada-host version` */
export function addVersionCommand(program: CliCommand): void {
  program
    .command('version')
    .description('print the version')
    .example('omada-host version', 'the version, and that of its Node.js')
    .work(async (context) => {
      context.stdout.write(`omada-host ${applianceVersion} (Node.js ${process.versions.node})\n`)
      return 0
    })
}
