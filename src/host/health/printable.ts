const longest = 300

/** Text from outside as it may be shown and logged: one line, no control characters, bounded. */
export function printable(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}
