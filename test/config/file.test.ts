import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfigFile } from '../../src/config/file.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-config-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('a file is read', async () => {
  const path = join(directory, 'config.yaml')
  await writeFile(path, 'log: {}\n')
  expect(await readConfigFile(path, { required: true })).toBe('log: {}\n')
})

test('an absent file is fine only when it need not be there', async () => {
  const path = join(directory, 'absent.yaml')
  expect(await readConfigFile(path, { required: false })).toBeUndefined()
  await expect(readConfigFile(path, { required: true })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: `the configuration ${path} cannot be read: it does not exist`,
  })
})

test.each([false, true])('a directory is refused (required: %s)', async (required) => {
  await expect(readConfigFile(directory, { required })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: expect.stringContaining('it is a directory'),
  })
})

test('a file below a file is refused, not taken for an absent one', async () => {
  const path = join(directory, 'plain')
  await writeFile(path, '')
  await expect(readConfigFile(join(path, 'x'), { required: false })).rejects.toMatchObject({
    code: 'CONFIG_UNREADABLE',
  })
})

test('a file of 10 MB is refused unread', async () => {
  const path = join(directory, 'large.yaml')
  await writeFile(path, '')
  await truncate(path, 10_000_000)
  await expect(readConfigFile(path, { required: true })).rejects.toMatchObject({
    code: 'CONFIG_SYNTAX',
    message: expect.stringContaining('10000000 bytes'),
  })
})

test('a named pipe without a writer is refused instead of waited for', async () => {
  const path = join(directory, 'pipe')
  execFileSync('mkfifo', [path])
  await expect(readConfigFile(path, { required: true })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
})
