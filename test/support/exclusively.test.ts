import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exclusively } from './exclusively.ts'
import { waitFor } from './wait-for.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'exclusively-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('one at a time, whether the lock is a directory or a file, and over failures', async () => {
  for (const path of [directory, join(directory, 'lock')]) {
    let inside = 0
    const work = async (number: number) => {
      inside += 1
      expect(inside).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 20))
      inside -= 1
      if (number === 1) throw new Error('broken')
      return number
    }
    const results = await Promise.allSettled([0, 1, 2].map((number) => exclusively(path, () => work(number))))
    expect(results).toEqual([
      { status: 'fulfilled', value: 0 },
      { status: 'rejected', reason: new Error('broken') },
      { status: 'fulfilled', value: 2 },
    ])
  }
})

test('a process that is killed leaves no lock behind', async () => {
  const program = `
    import { exclusively } from ${JSON.stringify(join(import.meta.dirname, 'exclusively.ts'))}
    await exclusively(${JSON.stringify(directory)}, async () => {
      process.stdout.write('locked')
      await new Promise((resolve) => setTimeout(resolve, 600_000))
    })`
  const argv = ['--input-type=module-typescript', '--eval', program]
  const other = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  let locked = false
  const mine = exclusively(directory, async () => {
    locked = true
  })
  // proc_locks(5): a line with an arrow is somebody who waits for the lock on this inode.
  const waits = new RegExp(`-> FLOCK .*:${statSync(directory).ino} `)
  await waitFor(() => expect(readFileSync('/proc/locks', 'utf8')).toMatch(waits))
  expect(locked).toBe(false)
  other.kill('SIGKILL')
  await mine
  expect(locked).toBe(true)
})

test('says so where nothing can be locked', async () => {
  await expect(exclusively(join(directory, 'no/such/lock'), async () => {})).rejects.toThrow(/no\/such\/lock: no lock/)
})
