import { Command } from 'commander'
import type { CliContext } from './context.ts'

/** Options of every command, and `stateDir` of those that know where the state is kept. */
export interface PlaceOptions {
  readonly config?: string
  readonly runtimeDir?: string
  readonly stateDir?: string
}

/** One call of the program, which all its commands share. */
export interface Invocation {
  readonly context: CliContext
  exitCode: number
}

/** A command of commander's that has examples at the end of its help, and whose work resolves with an exit code. */
export class CliCommand extends Command {
  readonly #invocation: Invocation
  readonly #examples: [command: string, effect: string][] = []

  constructor(name: string | undefined, invocation: Invocation) {
    super(name)
    this.#invocation = invocation
    this.addHelpText('after', () => this.#exampleText())
  }

  /** Commander makes subcommands by this. */
  override createCommand(name?: string): CliCommand {
    return new CliCommand(name, this.#invocation)
  }

  /** A command line to show, and what it does. */
  example(command: string, effect: string): this {
    this.#examples.push([command, effect])
    return this
  }

  /** What the command does. `Options` are its own and those of the commands above it. */
  work<Options extends PlaceOptions>(
    work: (context: CliContext, options: Options, args: readonly string[]) => Promise<number>,
  ): this {
    return this.action(async () => {
      this.#invocation.exitCode = await work(this.#invocation.context, this.optsWithGlobals(), this.args)
    })
  }

  #exampleText(): string {
    const width = Math.max(...this.#examples.map(([command]) => command.length))
    const lines = this.#examples.map(([command, effect]) => `  ${command.padEnd(width)}  ${effect}`)
    return lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}`
  }
}
