import { spawn } from 'node:child_process'
import { chmod, lstat, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fetchState } from '../../src/ipc/client.ts'
import { StateServer } from '../../src/ipc/server.ts'
import { StateStore } from '../../src/ipc/store.ts'
import { hostState, silent, soon, temporaryDirectory } from './fixtures.ts'

function serverAt(path: string, options: { mode?: number; group?: number } = {}) {
  const store = new StateStore({ initial: hostState() })
  return new StateServer({ logger: silent, path, mode: 0o660, store, ...options })
}

/** A socket file without an owner, as a killed process leaves it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  const dead = spawn(process.execPath, ['-e', script])
  await new Promise((resolve) => dead.on('exit', resolve))
  expect((await lstat(path)).isSocket()).toBe(true)
}

test('the socket has its mode and group, and stop removes it', async ({ skip }) => {
  skip(process.geteuid?.() !== 0, 'only root can give a file to another group')
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const server = serverAt(path, { mode: 0o660, group: 12345 })
  await server.start(soon())
  const file = await stat(path)
  expect(file.mode & 0o777).toBe(0o660)
  expect(file.gid).toBe(12345)
  expect(await readdir(directory.path)).toEqual(['state.sock'])
  await server.stop(soon())
  expect(await readdir(directory.path)).toEqual([])
})

test('the directory of the socket is made when it is missing', async () => {
  await using directory = await temporaryDirectory()
  const server = serverAt(join(directory.path, 'run', 'state.sock'))
  await server.start(soon())
  await server.stop(soon())
})

test('a second instance is told that another one runs, and the first stays reachable', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const first = serverAt(path)
  await first.start(soon())
  const second = serverAt(path)
  await expect(second.start(soon())).rejects.toMatchObject({
    code: 'APPLIANCE_RUNNING',
    message: expect.stringContaining(path),
  })
  await second.stop(soon())
  expect((await fetchState(path, soon())).stateVersion).toBe(1)
  await first.stop(soon())
})

test('a stale socket file is replaced', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  await leaveStaleSocket(path)
  const server = serverAt(path)
  await server.start(soon())
  expect((await fetchState(path, soon())).stateVersion).toBe(1)
  await server.stop(soon())
})

test('a file that is not a socket is left alone', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  await writeFile(path, 'precious')
  await expect(serverAt(path).start(soon())).rejects.toMatchObject({
    code: 'SOCKET_FAILED',
    remedy: `move ${path} away`,
  })
  expect((await lstat(path)).isFile()).toBe(true)
})

test('a path that is too long or cannot be written is an error that names it, and leaves nothing behind', async () => {
  await using directory = await temporaryDirectory()
  const long = join(directory.path, 'x'.repeat(100), 'state.sock')
  await expect(serverAt(long).start(soon())).rejects.toMatchObject({
    code: 'SOCKET_FAILED',
    message: expect.stringContaining('bytes at most'),
  })
  expect(await readdir(join(directory.path, 'x'.repeat(100)))).toEqual([])
  await writeFile(join(directory.path, 'file'), '')
  await expect(serverAt(join(directory.path, 'file', 'state.sock')).start(soon())).rejects.toMatchObject({
    code: 'SOCKET_FAILED',
    message: expect.stringContaining('file'),
  })
})

test('stop leaves the socket of a successor alone', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const server = serverAt(path)
  await server.start(soon())

  await unlink(path)
  const successor = createServer()
  await new Promise<void>((resolve) => successor.listen(path, resolve))
  await chmod(path, 0o600)
  await server.stop(soon())
  expect((await lstat(path)).isSocket()).toBe(true)
  await new Promise((resolve) => successor.close(resolve))
})
