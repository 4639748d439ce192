import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { archiveOf, firstFile } from '../../../src/host/engine/archive.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'archive-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** What tar(1) makes of a file, in chunks of so many bytes. */
async function* tarred(cwd: string, name: string, format: string, chunk = 100): AsyncGenerator<Buffer> {
  const { stdout, status } = spawnSync('tar', [`--format=${format}`, '-cf', '-', name], { cwd })
  expect(status).toBe(0)
  for (let at = 0; at < stdout.length; at += chunk) yield stdout.subarray(at, at + chunk)
}

test.each(['ustar', 'pax', 'gnu'])('the file of a %s archive is read, as far as was asked for', async (format) => {
  const path = directory()
  const name = format === 'ustar' ? 'a' : `${'long-'.repeat(40)}name`
  writeFileSync(join(path, name), 'x'.repeat(3000))
  expect(await firstFile(tarred(path, name, format), 10)).toEqual({ size: 3000, content: Buffer.from('x'.repeat(10)) })
  expect((await firstFile(tarred(path, name, format), 10_000))?.content).toHaveLength(3000)
  expect(await firstFile(tarred(path, name, format), 0)).toEqual({ size: 3000, content: Buffer.alloc(0) })
})

test('an empty file is one, a directory or a link is none', async () => {
  const path = directory()
  writeFileSync(join(path, 'empty'), '')
  mkdirSync(join(path, 'directory'))
  symlinkSync('/etc/shadow', join(path, 'link'))
  expect(await firstFile(tarred(path, 'empty', 'pax'), 10)).toEqual({ size: 0, content: Buffer.alloc(0) })
  expect(await firstFile(tarred(path, 'directory', 'pax'), 10)).toBeUndefined()
  expect(await firstFile(tarred(path, 'link', 'pax'), 10)).toBeUndefined()
})

test.each([
  ['text', 'no archive '.repeat(100)],
  ['nothing', ''],
])('%s is no archive', async (_, text) => {
  await expect(
    firstFile(
      (async function* () {
        yield Buffer.from(text)
      })(),
      10,
    ),
  ).rejects.toThrow('archive')
})

test('what is put into a container is an archive that tar(1) reads', () => {
  const input = archiveOf({ name: '.omada-host-id', content: 'abc\n', uid: 508, gid: 509 })
  const listed = spawnSync('tar', ['--numeric-owner', '-tvf', '-'], { input, encoding: 'utf8' })
  expect(listed.stdout).toMatch(/^-rw-r--r-- 508\/509 +4 .* \.omada-host-id$/m)
  expect(spawnSync('tar', ['-xOf', '-'], { input, encoding: 'utf8' }).stdout).toBe('abc\n')
})
