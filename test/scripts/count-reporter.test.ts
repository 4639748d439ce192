import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')

/** What the reporter writes of a real run of Vitest over one file with this content. */
function countsOf(content: string): unknown {
  const directory = mkdtempSync(join(tmpdir(), 'count-reporter-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'a.test.ts'), `import { describe, expect, test } from 'vitest'\n${content}`)
  const file = join(directory, 'counts.json')
  const reporter = join(repository, 'scripts/lib/count-reporter.ts')
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  spawnSync(process.execPath, [vitest, 'run', '--root', directory, `--reporter=${reporter}`], {
    cwd: directory,
    env: { ...process.env, TEST_COUNTS_FILE: file },
  })
  return JSON.parse(readFileSync(file, 'utf8'))
}

test('counts what passed and tells of the rest why', () => {
  const counts = countsOf(`
describe('group', () => {
  test('good', () => {})
  test('bad', () => expect(1).toBe(2))
  test('left out', ({ skip }) => skip('no such machine'))
})`)
  expect(counts).toEqual({
    passed: 1,
    failed: [
      {
        name: 'a.test.ts > group > bad',
        reason: expect.stringMatching(/^expected 1 to be 2.*\nat \/.*\/a\.test\.ts:5$/s),
      },
    ],
    skipped: [{ name: 'a.test.ts > group > left out', reason: 'no such machine' }],
  })
})

test('a file that cannot be loaded has failed, and so has a group whose preparation threw', () => {
  expect(countsOf(`throw new Error('no such part')`)).toMatchObject({
    passed: 0,
    failed: [{ name: 'a.test.ts', reason: expect.stringContaining('no such part') }],
  })
  expect(
    countsOf(`
import { beforeAll } from 'vitest'
describe('group', () => {
  beforeAll(() => { throw new Error('no machine') })
  test('never begun', () => {})
})`),
  ).toMatchObject({
    passed: 0,
    failed: [{ name: 'a.test.ts > group', reason: expect.stringContaining('no machine') }],
    skipped: [{ name: 'a.test.ts > group > never begun' }],
  })
})
