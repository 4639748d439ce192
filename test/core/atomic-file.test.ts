import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeFileAtomic } from '../../src/core/atomic-file.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-atomic-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('writes a new file that only its owner may read', async () => {
  const path = join(directory, 'key.pem')
  await writeFileAtomic(path, 'secret')
  expect(await readFile(path, 'utf8')).toBe('secret')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('replaces a file whole, under its reader too, and leaves nothing beside it', async () => {
  const path = join(directory, 'state.json')
  await writeFile(path, 'old')
  const before = await stat(path)
  await writeFileAtomic(path, new TextEncoder().encode('new'), 0o644)
  expect(await readFile(path, 'utf8')).toBe('new')
  expect((await stat(path)).ino).not.toBe(before.ino)
  expect(await readdir(directory)).toEqual(['state.json'])
})

test('a file that cannot be replaced stays as it is, and no half of a new one is left', async () => {
  const path = join(directory, 'taken')
  await mkdir(join(path, 'full'), { recursive: true })
  await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|ENOTEMPTY/) })
  expect(await readdir(directory)).toEqual(['taken'])
})

test('a write that fails half-way, as on a full disk, leaves the old text', async () => {
  const path = join(directory, 'state.json')
  await writeFile(path, 'old')
  const module = new URL('../../src/core/atomic-file.ts', import.meta.url).href
  const program = `
    import { writeFileAtomic } from ${JSON.stringify(module)}
    await writeFileAtomic(${JSON.stringify(path)}, 'new'.repeat(100_000)).catch((error) => console.log(error.code))`
  // Files may grow to 8 blocks of 512 bytes and no further; the signal that tells so is ignored, as Node's write then fails.
  const limited = 'trap "" XFSZ; ulimit -f 8; exec "$@"'
  const node = [process.execPath, '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)('sh', ['-c', limited, 'sh', ...node])
  expect(stdout).toBe('EFBIG\n')
  expect(await readFile(path, 'utf8')).toBe('old')
  expect(await readdir(directory)).toEqual(['state.json'])
})

test('a directory that is not there is the system error', async () => {
  await expect(writeFileAtomic(join(directory, 'no', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' })
})
