/** One server-sent event. */
export interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/**
 * Reads server-sent events from text chunks. Comments are skipped.
 * @throws RangeError when an event is longer than `maxLength` characters
 */
export async function* readEvents(chunks: AsyncIterable<string>, maxLength: number): AsyncGenerator<ServerSentEvent> {
  for await (const block of splitText(chunks, '\n\n', maxLength)) {
    const lines = block.split('\n')
    const data = valuesOf(lines, 'data').join('\n')
    if (data !== '') yield { name: valuesOf(lines, 'event')[0] ?? 'message', data }
  }
}

function valuesOf(lines: readonly string[], field: string): string[] {
  const prefix = `${field}: `
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
}

/**
 * The parts of a text between separators; what follows the last separator is not yielded.
 * @throws RangeError when a part is longer than `maxLength` characters
 */
export async function* splitText(
  chunks: AsyncIterable<string>,
  separator: string,
  maxLength: number,
): AsyncGenerator<string> {
  // Only the newest text is searched, because to search a long part anew with every chunk takes quadratic time.
  let searched = ''
  let newest = ''
  for await (const chunk of chunks) {
    const parts = (newest + chunk).split(separator)
    newest = parts.pop() ?? ''
    for (const part of parts) {
      yield bounded(searched + part, maxLength)
      searched = ''
    }
    bounded(searched + newest, maxLength)
    // A separator may straddle two chunks.
    const keptFrom = Math.max(0, newest.length - separator.length + 1)
    searched += newest.slice(0, keptFrom)
    newest = newest.slice(keptFrom)
  }
}

function bounded(part: string, maxLength: number): string {
  if (part.length > maxLength) throw new RangeError(`more than ${maxLength} characters in one piece`)
  return part
}
