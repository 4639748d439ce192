import { CommanderError } from 'commander'
import { defaultConfigFile } from '../config/names.ts'
import { ApplianceError, isAbort } from '../core/errors.ts'
import { defaultRuntimeDirectory } from '../ipc/paths.ts'
import { CliCommand, type Invocation } from './command.ts'
import { addConfigCommand } from './config.ts'
import type { CliContext } from './context.ts'
import { addDoctorCommand, addNetcheckCommand } from './diagnosis.ts'
import { addEdgeCommand } from './edge.ts'
import { addAfterHostCommand, addHostCommand, addProbeCommand, addRunCommand } from './host.ts'
import { addLogsCommand } from './logs.ts'
import { reportError } from './report.ts'
import { addStatusCommand } from './status.ts'
import { addAcknowledgeCommand, addVerbCommands } from './verbs.ts'
import { addVersionCommand } from './version.ts'

/**
 * Runs the command that `context.argv` asks for, and tells what went wrong. Resolves with the exit code, never rejects:
 * 0 done, 1 failed, 2 wrong usage, 69 engine or appliance not reachable, 78 bad configuration.
 */
export async function runCli(context: CliContext): Promise<number> {
  const invocation: Invocation = { context, exitCode: 0 }
  const program = new CliCommand('omada-host', invocation)
  describeProgram(program, context)
  try {
    await program.parseAsync(context.argv, { from: 'user' })
    return invocation.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return endedByCommander(error, context)
    // What was cut short by the user's own signal has not failed.
    if (context.signal.aborted && isAbort(error)) return 0
    return reportError(error, context.stderr)
  }
}

function describeProgram(program: CliCommand, context: CliContext): void {
  program
    .description('Hosts the TP-Link Omada controller in a container and makes it discoverable on the network.')
    .option('--config <file>', `configuration file, or OMADA_HOST_CONFIG (default: ${defaultConfigFile} if it exists)`)
    .option(
      '--runtime-dir <dir>',
      `directory of the sockets, or OMADA_HOST_RUNTIME_DIR (default: ${defaultRuntimeDirectory})`,
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      // Told by endedByCommander in this program's own form.
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand('help [command]', 'explain a command')
    .example('omada-host run', 'the whole appliance in the foreground')
    .example('omada-host status', 'what it does and whether it works')
    .example('omada-host doctor', 'what on this machine would keep it from working')
    .example('omada-host help config', 'explain a command')
  addRunCommand(program)
  addHostCommand(program)
  addEdgeCommand(program)
  addStatusCommand(program)
  addLogsCommand(program)
  addVerbCommands(program)
  addAcknowledgeCommand(program)
  addDoctorCommand(program)
  addNetcheckCommand(program)
  addConfigCommand(program)
  addVersionCommand(program)
  addProbeCommand(program)
  addAfterHostCommand(program)
}

function endedByCommander(error: CommanderError, context: CliContext): number {
  if (error.exitCode === 0) return 0
  // Called without a command: the help has been shown instead of an error.
  if (error.code === 'commander.help') return 2
  const message = error.message.replace(/^error: /, '')
  return reportError(
    new ApplianceError({
      code: 'USAGE',
      message,
      remedy: 'omada-host --help lists commands, omada-host help COMMAND explains one',
    }),
    context.stderr,
  )
}
