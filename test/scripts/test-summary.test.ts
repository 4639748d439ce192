import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const program = join(import.meta.dirname, '../../scripts/lib/test-summary.ts')
const clean = { passed: 3, failed: [], skipped: [] }
const broken = { name: 'file > test', reason: 'expected 1 to be 2' }
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'test-summary-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function summary(files: Readonly<Record<string, unknown>>, failedSteps = '') {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), JSON.stringify(content))
  const { status, stdout } = spawnSync(process.execPath, [program, directory, failedSteps], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n') }
}

test('adds the projects up and names what was skipped with its reason', () => {
  const system = { passed: 2, failed: [], skipped: [{ name: 'a > b', reason: 'no such machine' }] }
  expect(summary({ 'unit.json': clean, 'system.json': system, 'host.json': clean })).toEqual({
    status: 0,
    lines: ['skipped: a > b: no such machine', '8 passed, 0 failed, 1 skipped'],
  })
})

test('without root the system tests count as skipped', () => {
  const result = summary({ 'unit.json': clean, 'not-run.json': [{ name: 'x', file: '/x' }] })
  expect(result).toEqual({ status: 0, lines: ['skipped: x: needs root', '3 passed, 0 failed, 1 skipped'] })
})

test('names what failed with its error just above the sum', () => {
  const { lines } = summary({ 'unit.json': { ...clean, failed: [broken] }, 'system.json': clean, 'host.json': clean })
  expect(lines).toEqual(['failed: file > test: expected 1 to be 2', '9 passed, 1 failed, 0 skipped'])
})

test.each([
  [
    'a failed test',
    { 'unit.json': clean, 'system.json': { ...clean, failed: [broken] }, 'host.json': clean },
    '',
    '9 passed, 1 failed, 0 skipped',
  ],
  [
    'a failed step',
    { 'unit.json': clean, 'system.json': clean, 'host.json': clean },
    ' lint',
    '9 passed, 0 failed, 0 skipped',
  ],
  ['a project that did not end', { 'unit.json': clean, 'system.json': clean }, '', '6 passed, 0 failed, 0 skipped'],
  ['nothing at all', {}, '', '0 passed, 0 failed, 0 skipped'],
])('%s fails, and the sum is the last line all the same', (_, files, failedSteps, last) => {
  const { status, lines } = summary(files, failedSteps)
  expect(status).toBe(1)
  expect(lines.at(-1)).toBe(last)
})
