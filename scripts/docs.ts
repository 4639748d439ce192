import { readFileSync, writeFileSync } from 'node:fs'
import { configKeys } from '../src/config/keys.ts'
import { errorCodes } from '../src/core/error-codes.ts'

/** The README's section of each name: what stands between its `:begin` and `:end` comments. */
export const sections: Readonly<Record<string, string>> = { config: configTable(), errors: errorTable() }

/** `readme` with its sections as they should be. @throws Error when a section's markers are missing */
export function withSections(readme: string): string {
  return Object.entries(sections).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from < 0 || to < from) throw new Error(`README.md has no section between ${begin} and ${end}`)
    return `${text.slice(0, from + begin.length)}\n${table}${text.slice(to)}`
  }, readme)
}

function configTable(): string {
  const rows = configKeys.map(({ path, accepts, meta, ...key }) => {
    const note = meta.needs === 'container' ? ' *' : ''
    return [`\`${path}\`${note}`, 'default' in key ? `\`${compact(key.default)}\`` : '–', accepts, meta.description]
  })
  return `${table(['Key', 'Default', 'Accepted', 'Purpose'], rows)}\n\\* A change makes a new container; the volumes stay.\n`
}

function errorTable(): string {
  const rows = Object.entries(errorCodes).map(([code, { summary, exit }]) => [`\`${code}\``, summary, String(exit)])
  return table(['Code', 'Meaning', 'Exit code'], rows)
}

function compact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll(',', ', ')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [header, header.map(() => '---'), ...rows].map(line).join('')
}

if (import.meta.main) {
  const path = new URL('../README.md', import.meta.url)
  writeFileSync(path, withSections(readFileSync(path, 'utf8')))
}
