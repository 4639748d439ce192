import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withSections } from '../../scripts/docs.ts'
import { configKeys } from '../../src/config/keys.ts'
import { errorCodes } from '../../src/core/error-codes.ts'
import { readSources, root } from './sources.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

test('the README lists the configuration and the error codes as they are', () => {
  expect(readme, 'scripts/node scripts/docs.ts writes them anew').toBe(withSections(readme))
})

test('every key and every code has its row', () => {
  const empty = '<!-- config:begin --><!-- config:end -->\n<!-- errors:begin --><!-- errors:end -->\n'
  const rows = withSections(empty).split('\n')
  for (const { path } of configKeys) expect(rows.filter((row) => row.startsWith(`| \`${path}\``))).toHaveLength(1)
  for (const code of Object.keys(errorCodes)) {
    expect(rows.filter((row) => row.startsWith(`| \`${code}\` |`))).toHaveLength(1)
  }
})

test('a section without its markers is told', () => {
  expect(() => withSections('# no markers')).toThrow('<!-- config:begin -->')
})

test('every error code is used', () => {
  const texts = readSources().filter(({ path }) => path !== 'src/core/error-codes.ts')
  const unused = Object.keys(errorCodes).filter((code) => !texts.some(({ text }) => text.includes(`'${code}'`)))
  expect(unused).toEqual([])
})
