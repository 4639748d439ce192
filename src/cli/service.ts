import type { Command } from 'commander'
import { optionVariables } from '../config/names.ts'
import type { AdjustableLogger, Logger, LogLevel } from '../core/logger.ts'
import { defaultStateDirectory } from '../ipc/paths.ts'
import type { CliContext } from './context.ts'

/** Adds what the long-running commands have in common. */
export function withServiceOptions(command: Command): Command {
  return command.option(
    '--state-dir <dir>',
    `directory of what is kept over restarts, or ${optionVariables.stateDirectory} (default: ${defaultStateDirectory})`,
  )
}

/** The process's logger, on stderr. */
export async function makeLogger(context: CliContext, level: LogLevel): Promise<Logger> {
  return (await makeAdjustableLogger(context, level)).logger
}

/** The process's logger, on stderr, and what changes its level. */
export async function makeAdjustableLogger(context: CliContext, level: LogLevel): Promise<AdjustableLogger> {
  const { createAdjustableLogger } = await import('../core/logger.ts')
  return createAdjustableLogger({ level, format: context.logFormat, write: (line) => void context.stderr.write(line) })
}

/** Answers whoever asks again to end while the controller stops: it is not cut short, because its database would break. */
export function answerImpatience(context: CliContext, logger: Logger, stopGraceSeconds: () => number): () => void {
  return context.askedAgain.on(() => {
    logger.warn(
      `still stopping: the controller may take up to ${stopGraceSeconds()} s (controller.stopGraceSeconds) to close its ` +
        'database, and would lose it if it were cut off',
    )
  })
}
