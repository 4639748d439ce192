/** Text for a man page: nothing in it is taken for a request, an escape or a typographic character. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('–', '\\(en')
    .replace(/^\./gm, '\\&.')
}

/** Text of a paragraph: as `roff`, in lines of at most 78 characters where there are spaces to break at. */
export function paragraph(text: string): string {
  const lines = ['']
  for (const word of roff(text).split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    // A line must not begin with what would be a request.
    else if (line.length + 1 + word.length > 78 && !word.startsWith('.')) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines.join('\n')
}

export const bold = (text: string): string => `\\fB${roff(text)}\\fR`
export const italic = (text: string): string => `\\fI${roff(text)}\\fR`

/** A paragraph with a hanging tag: `tag` is roff already, `lines` are paragraphs of plain text. */
export function tagged(tag: string, ...lines: readonly string[]): string {
  return `.TP\n${tag}\n${lines.map(paragraph).join('\n.br\n')}\n`
}

/** The page's first line. `date` is in seconds since 1970. */
export function titleLine(options: { name: string; section: number; date: number; version: string }): string {
  const day = new Date(options.date * 1000).toISOString().slice(0, 10)
  return `.TH ${roff(options.name.toUpperCase())} ${options.section} ${day} "omada\\-host ${options.version}" "omada\\-host"\n`
}
