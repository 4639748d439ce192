import type { CommandOption, DescribedCommand } from './commands.ts'
import { bold, italic, roff, tagged, titleLine } from './roff.ts'

/**
 * The man page omada-host(8): `template` is roff with the lines `@TITLE@`, `@OPTIONS@` and `@COMMANDS@`, which the
 * program's own help fills. `date` is in seconds since 1970.
 */
export function programPage(options: {
  template: string
  program: DescribedCommand
  version: string
  date: number
}): string {
  const { program, version, date } = options
  const filled: Readonly<Record<string, string>> = {
    TITLE: titleLine({ name: 'omada-host', section: 8, version, date }),
    OPTIONS: program.options.map(optionEntry).join(''),
    COMMANDS: program.commands.map((command) => commandEntry(command, program, [])).join(''),
  }
  return options.template.replace(/^@(\w+)@\n/gm, (_line, name: string) => {
    const text = filled[name]
    if (text === undefined) throw new Error(`the man page's template asks for @${name}@, which there is not`)
    return text
  })
}

function commandEntry(command: DescribedCommand, program: DescribedCommand, path: readonly string[]): string {
  const everywhere = new Set(program.options.flatMap(({ names }) => names))
  const own = command.options.filter(({ names }) => !names.some((name) => everywhere.has(name)))
  const names = [...path, command.name]
  if (command.commands.length > 0) {
    return command.commands.map((nested) => commandEntry(nested, program, names)).join('')
  }
  const options = own.map((option) => `[${optionTag(option)}]`).join(' ')
  const entry = tagged(`${bold(names.join(' '))}${options === '' ? '' : ` ${options}`}`, sentence(command.description))
  if (own.length === 0) return entry
  return `${entry}.RS\n${own.map(optionEntry).join('')}.RE\n`
}

function optionEntry(option: CommandOption): string {
  return tagged(optionTag(option), option.description)
}

function optionTag({ names, value }: CommandOption): string {
  return `${names.map(bold).join(roff(', '))}${value === undefined ? '' : ` ${italic(value.toUpperCase())}`}`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}
