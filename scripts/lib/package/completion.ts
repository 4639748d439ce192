import type { CommandOption, DescribedCommand } from './commands.ts'

/** The completion for bash, from the program's own help. */
export function bashCompletion(program: DescribedCommand): string {
  const paths = flatten(program, [])
  const cases = paths.map(({ path, command }) => {
    const words = [...command.commands.map(({ name }) => name), ...command.options.flatMap(({ names }) => names)]
    return `    '${path.join(' ')}') words='${words.join(' ')}' ;;`
  })
  const valued = (kind: string) => optionNames(paths, (option) => option.value === kind).join(' | ')
  const other = optionNames(paths, ({ value }) => value !== undefined && value !== 'file' && value !== 'dir')
  return `# bash completion for omada-host(8). Made from the program's help.

_omada_host() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' words='' word i
  COMPREPLY=()
  case $prev in
    ${valued('file')})
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
    ${valued('dir')})
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      return
      ;;
    ${other.join(' | ')}) return ;;
  esac
  # The commands so far, without options and their values.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${optionNames(paths, ({ value }) => value !== undefined).join(' | ')}) ((i++)) ;;
      -*) ;;
      *) path="\${path:+$path }$word" ;;
    esac
  done
  case $path in
${cases.join('\n')}
    help) words='${program.commands.map(({ name }) => name).join(' ')}' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _omada_host omada-host
`
}

interface CommandAt {
  readonly path: readonly string[]
  readonly command: DescribedCommand
}

function flatten(command: DescribedCommand, path: readonly string[]): readonly CommandAt[] {
  return [{ path, command }, ...command.commands.flatMap((nested) => flatten(nested, [...path, nested.name]))]
}

function optionNames(paths: readonly CommandAt[], wanted: (option: CommandOption) => boolean): readonly string[] {
  const names = paths.flatMap(({ command }) => command.options.filter(wanted).flatMap((option) => option.names))
  return [...new Set(names)].sort()
}
