import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { codeOf, readSources, root } from './sources.ts'

const sources = readSources()
const tests = globSync(['test/**/*.ts', 'scripts/**/*.ts'], { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))

function offenders(files: readonly { path: string; text: string }[], forbidden: RegExp): string[] {
  return files.filter(({ text }) => forbidden.test(codeOf(text))).map(({ path }) => path)
}

test('only main.ts listens to the process, and nothing ends it by force', () => {
  const elsewhere = sources.filter(({ path }) => path !== 'src/main.ts')
  expect(
    offenders(elsewhere, /\bprocess\s*\.\s*(on|once|addListener|prependListener|exit|abort|reallyExit|exitCode)\b/),
  ).toEqual([])
  expect(offenders(sources, /\bprocess\s*\.\s*(exit|abort|reallyExit)\b/)).toEqual([])
})

test('files are named in kebab-case and export by name', () => {
  expect(sources.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(basename(path)))).toEqual([])
  const declared = sources.filter(({ path }) => !path.endsWith('.d.ts'))
  expect(offenders(declared, /^export default\b/m)).toEqual([])
})

test('no module keeps state of its own', () => {
  expect(offenders(sources, /^(export )?(let|var)\b/m)).toEqual([])
})

test('nothing gets around the checks', () => {
  const all = [...sources, ...tests.filter(({ path }) => path !== 'test/architecture/rules.test.ts')]
  expect(all.filter(({ text }) => /@ts-(ignore|nocheck|expect-error)|biome-ignore|\bas any\b/.test(text))).toEqual([])
  expect(offenders(tests, /\bvi\.(do)?mock\b|\b(test|it|describe)\.only\b/)).toEqual([])
  // Its default deadline is too short for a busy machine; ours wraps it.
  expect(offenders(tests, /\bvi\.waitFor\b/)).toEqual(['test/support/wait-for.ts'])
})

test('words in comments and texts are not taken for code', () => {
  expect(codeOf("a() // process.exit\n/* process.on */ b('process.exit')")).toBe('a() \n b()')
})
