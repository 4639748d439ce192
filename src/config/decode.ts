import { ApplianceError } from '../core/errors.ts'

/**
 * The text of a file that is UTF-8, with or without a byte order mark.
 * @param where the file, in messages
 * @throws ApplianceError CONFIG_SYNTAX, naming the encoding that it seems to have, or the place where it is no text
 */
export function decodeText(bytes: Buffer, where: string): string {
  const encoding = otherEncoding(bytes)
  if (encoding !== undefined) {
    throw notText(
      `${where} is not in UTF-8 but in ${encoding}`,
      `save it as UTF-8: iconv -f ${encoding} -t UTF-8 ${where} -o NEW_FILE, or choose UTF-8 in the editor`,
    )
  }
  // Decoding by the tolerant rules tells where the first byte is that they replace.
  const text = new TextDecoder('utf-8').decode(bytes)
  const strange = /[\0\uFFFD]/.exec(text)
  if (strange === null || (strange[0] !== '\0' && isUtf8(bytes))) return text
  const before = text.slice(0, strange.index).split('\n')
  throw notText(
    `${where}, line ${before.length}, column ${(before.at(-1) ?? '').length + 1}: not UTF-8 text; it may be saved in an older encoding, or be no text at all`,
    `name the right file with --config; a text in a Western encoding becomes UTF-8 by: iconv -f WINDOWS-1252 -t UTF-8 ${where} -o NEW_FILE`,
  )
}

/** By its byte order mark, or by where the zeros of plain characters stand; undefined for UTF-8 and for what is no text. */
function otherEncoding(bytes: Buffer): string | undefined {
  const start = bytes.subarray(0, 4)
  if (start.length === 4 && start.equals(Buffer.from([0xff, 0xfe, 0, 0]))) return 'UTF-32LE'
  if (start.length === 4 && start.equals(Buffer.from([0, 0, 0xfe, 0xff]))) return 'UTF-32BE'
  const mark = bytes.subarray(0, 2).toString('hex')
  if (mark === 'fffe') return 'UTF-16LE'
  if (mark === 'feff') return 'UTF-16BE'
  const [first, second, third, fourth] = [...start].map((byte) => (byte === 0 ? 'zero' : 'other'))
  const pattern = [first, second, third, fourth].join(' ')
  if (pattern === 'other zero other zero') return 'UTF-16LE'
  return pattern === 'zero other zero other' ? 'UTF-16BE' : undefined
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

function notText(message: string, remedy: string): ApplianceError {
  return new ApplianceError({ code: 'CONFIG_SYNTAX', message, remedy })
}
