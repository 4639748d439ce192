import type { Command } from 'commander'
import type { CliContext } from './context.ts'

/** What a command's file gets to add itself to the program. */
export interface Commands {
  readonly program: Command
  readonly context: CliContext
  /** Makes a command's work an action of commander's; the number it resolves with is the exit code. */
  action<O>(work: (options: O & GlobalOptions) => Promise<number>): (...call: unknown[]) => Promise<void>
}

/** Options of every command. */
export interface GlobalOptions {
  readonly config?: string
  readonly runtimeDir?: string
}

/** Text for the end of `--help`: each example is a command and what it does. */
export function examples(...lines: readonly (readonly [command: string, effect: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length))
  return `\nExamples:\n${lines.map(([command, effect]) => `  ${command.padEnd(width)}  ${effect}`).join('\n')}`
}
