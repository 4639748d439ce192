/** Text on one line and without what a terminal would take for a command: it may quote a file or another machine. */
export function printable(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\p{Cc}/gu, '\u{fffd}')
}
