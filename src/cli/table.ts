import { plainText } from '../core/text.ts'

/** Rows as lines with aligned columns, indented. Long cells are cut: a line stays a line. */
export function formatTable(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const cut = rows.map((row) => row.map((cell) => plainText(cell, maxCell)))
  const widths: number[] = []
  for (const row of cut) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return cut.map(
    (row) =>
      indent +
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
  )
}

const maxCell = 40

/** A number of bytes for people: `1.2 GB`, in powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`
}

/** How long ago `time` (ISO 8601) was: `12 s`, `3 min`, `5 h`, `2 d`. A clock that went back gives `0 s`. */
export function formatAge(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000))
  if (Number.isNaN(seconds)) return '?'
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
