/** Longest text that is shown where nothing shorter is asked for, in characters: a fault with the last lines of a log. */
const longest = 4000

/** What a terminal takes for a colour or a movement: ECMA-48's control sequences, after ESC or as one character. */
const controlSequence = /(?:\p{Cc}\[|\u{9b})[0-?]*[ -/]*[@-~]/gu

/**
 * Text from outside (a file, another machine, another program) as it may be shown, logged and handed on: on one line,
 * without control characters, without those that nobody sees or that turn the direction of writing (Unicode's Cf), without
 * halves of a character, and of at most `max` characters, the last of which is `…` when more was there. A log's lines keep
 * their indentation.
 */
export function plainText(text: string, max = longest): string {
  // Most is plain already, and the relay reads a device's texts at every datagram.
  if (text.length <= max && !/[^ -~]/.test(text)) return text.trimEnd()
  // Somebody may have sent megabytes; of what is cut off here nothing would be shown.
  const part = text.slice(0, 4 * max)
  const line = part
    .replace(controlSequence, '')
    .replace(/[\p{Cf}\p{Cs}]|[^\P{Cc}\s]/gu, '')
    .replace(/\s+/gu, (space) => (/[^\t\p{Zs}]/u.test(space) ? ' ' : ' '.repeat(space.length)))
    .trimEnd()
  const cut = firstCharacters(line, max)
  if (cut.length === line.length && part.length === text.length) return line
  return `${firstCharacters(line, max - 1)}…`
}

/** Text of several lines, each as `plainText` has it. */
export function plainLines(text: string): string {
  return text
    .split('\n')
    .map((line) => plainText(line))
    .join('\n')
}

/**
 * A value as JSON that may go to a terminal: what JSON itself leaves as it is, and a terminal takes for a command, for an
 * end of a line or for nothing (C1's controls, Unicode's Zl, Zp and Cf), is escaped, too. It stands for the same value.
 */
export function plainJson(value: unknown, indent?: number): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value, undefined, indent).replace(/[\u{7f}-\u{9f}\p{Zl}\p{Zp}\p{Cf}]/gu, (character) =>
    character.split('').map(escaped).join(''),
  )
}

/** The first `count` characters; one outside Unicode's first plane is two in a string's length. */
function firstCharacters(text: string, count: number): string {
  return text.length <= count ? text : [...text.slice(0, 2 * count)].slice(0, count).join('')
}

/** The object that a JSON text from outside is, its members as yet unknown; undefined when it is anything else. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/**
 * The text without the users and passwords of URIs in it: `https://…@host/`, of MongoDB's, which may also have a password
 * in an option, `mongodb://…`. Takes away too much rather than too little: a password may have any character.
 */
export function withoutCredentials(text: string): string {
  const mongo = /mongodb(?:\+srv)?:\/\//i.exec(text)
  if (mongo !== null) return `${withoutCredentials(text.slice(0, mongo.index))}${mongo[0]}…`
  const from = text.indexOf('://') + 3
  const to = text.lastIndexOf('@')
  return from < 3 || to < from ? text : `${text.slice(0, from)}…${text.slice(to)}`
}
