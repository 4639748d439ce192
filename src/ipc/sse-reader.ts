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
  let rest = ''
  for await (const chunk of chunks) {
    // A separator may straddle two chunks.
    let searchFrom = Math.max(0, rest.length - separator.length + 1)
    rest += chunk
    let start = 0
    for (let end = rest.indexOf(separator, searchFrom); end !== -1; end = rest.indexOf(separator, searchFrom)) {
      if (end - start > maxLength) throw tooLong(maxLength)
      yield rest.slice(start, end)
      start = end + separator.length
      searchFrom = start
    }
    rest = rest.slice(start)
    if (rest.length > maxLength) throw tooLong(maxLength)
  }
}

function tooLong(maxLength: number): RangeError {
  return new RangeError(`more than ${maxLength} characters in one piece`)
}
