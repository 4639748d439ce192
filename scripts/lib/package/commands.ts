import { Writable } from 'node:stream'
import { runCli } from '../../../src/cli/program.ts'
import { Emitter } from '../../../src/core/emitter.ts'

/** An option as the program's help shows it. */
export interface CommandOption {
  /** Such as `-f` and `--follow`. */
  readonly names: readonly string[]
  /** Name of its value; absent for a switch. */
  readonly value?: string
  readonly description: string
}

/** A command as the program's help shows it. */
export interface DescribedCommand {
  /** Empty for the program itself. */
  readonly name: string
  readonly description: string
  readonly options: readonly CommandOption[]
  readonly commands: readonly DescribedCommand[]
}

/** The program with all its commands, read from its own `--help`: what is made of it cannot say anything else. */
export async function describedProgram(): Promise<DescribedCommand> {
  return await describe([], '')
}

async function describe(path: readonly string[], description: string): Promise<DescribedCommand> {
  const help = await helpOf(path)
  const options = listed(help, 'Options').map(([term, text]) => optionOf(term, text))
  const commands: DescribedCommand[] = []
  for (const [term, text] of listed(help, 'Commands')) {
    const [name = ''] = term.split(' ')
    // Explains the others, and is the same at every level.
    if (name === 'help') continue
    commands.push(await describe([...path, name], text))
  }
  return { name: path.at(-1) ?? '', description, options, commands }
}

async function helpOf(path: readonly string[]): Promise<string> {
  let text = ''
  const stdout = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk)
      done()
    },
  })
  const argv = [...path, '--help']
  const code = await runCli({
    argv,
    env: {},
    stdout,
    stderr: stdout,
    signal: new AbortController().signal,
    askedAgain: new Emitter<void>(),
    self: ['omada-host'],
    logFormat: 'human',
  })
  if (code !== 0) throw new Error(`omada-host ${argv.join(' ')} ended with ${code}: ${text}`)
  return text
}

/** The terms and descriptions under a heading of commander's help: `  term  description`, with lines that go on below. */
function listed(help: string, heading: string): readonly [term: string, description: string][] {
  const lines = help.split('\n')
  const begin = lines.indexOf(`${heading}:`)
  if (begin < 0) return []
  const entries: [string, string][] = []
  for (const line of lines.slice(begin + 1)) {
    const entry = /^ {2}(?<term>\S+(?: \S+)*)(?: {2,}(?<text>.*))?$/.exec(line)?.groups
    const last = entries.at(-1)
    if (entry?.term !== undefined) entries.push([entry.term, entry.text ?? ''])
    else if (last !== undefined && /^ {3,}\S/.test(line)) last[1] = `${last[1]} ${line.trim()}`.trim()
    else break
  }
  return entries
}

function optionOf(term: string, description: string): CommandOption {
  const words = term.split(/,? /)
  const names = words.filter((word) => word.startsWith('-'))
  const value = words.find((word) => word.startsWith('<'))?.slice(1, -1)
  return { names, ...(value === undefined ? {} : { value }), description }
}
