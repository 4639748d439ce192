import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { whyNoLocks } from '../../src/linux/lock-trial.ts'

const { PATH } = process.env
const { signal } = new AbortController()
const directory = mkdtempSync(join(tmpdir(), 'lock-trial-'))
afterEach(() => {
  process.env.PATH = PATH
})

/** A flock(1) that says what it says on a file system without locks: there is none of that kind here. */
function flockSays(words: string): void {
  const program = join(directory, 'flock')
  writeFileSync(program, `#!/bin/sh\necho "flock: $3: ${words}" >&2\nexit 71\n`)
  chmodSync(program, 0o755)
  process.env.PATH = `${directory}:${PATH}`
}

test('a file of this machine has locks', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  expect(await whyNoLocks(file, signal)).toBeUndefined()
})

test.each([
  ['No locks available', 'No locks available'],
  ['Operation not supported', 'Operation not supported'],
  ['Permission denied', undefined],
])('"%s" of the kernel: %s', async (words, why) => {
  flockSays(words)
  expect(await whyNoLocks('/srv/omada', signal)).toBe(why)
})

test('what is not there, or cannot be opened, says nothing of locks', async () => {
  expect(await whyNoLocks(join(directory, 'none'), signal)).toBeUndefined()
  rmSync(directory, { recursive: true })
})
