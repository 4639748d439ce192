import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's directory. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A file of the program: its path from the project's directory, its text, and the files of ours that it imports. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

/** Every file of src. Types count as imports too: a room that needs another's types needs that room. */
export function readSources(): readonly Source[] {
  return globSync('src/**/*.ts', { cwd: root }).map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const specifiers = [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*'(\.[^']+)'/gm)].map(
      (match) => match[1] ?? '',
    )
    const imports = specifiers.map((specifier) => relative(root, join(root, dirname(path), specifier)))
    return { path, text, imports }
  })
}

/** The text without comments and strings, so that words in them are not taken for code. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|'(?:\\.|[^'\\\n])*'/gm, '')
}
