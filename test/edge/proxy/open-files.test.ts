import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ProxyPortState } from '../../../src/ipc/edge-state.ts'
import { waitFor } from '../../support/wait-for.ts'
import { controller, controllerHost, dial, later, proxyHost, soon } from './support.ts'

const fixture = fileURLToPath(new URL('./fixtures/proxy-process.ts', import.meta.url))

/** A proxy that may open no more than so many files. */
async function poorProxy(port: number, files: number) {
  const argv = [process.execPath, fixture, String(port), proxyHost, controllerHost]
  const child = spawn('sh', ['-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...argv], { stdio: 'pipe' })
  const exited = once(child, 'exit')
  later(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const log: string[] = []
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse(String((await soon(lines.next())).value)) as ProxyPortState
  await next()
  const state = () => {
    child.stdin.write('\n')
    return next()
  }
  return { child, exited, log, state }
}

test('a proxy that runs out of open files sheds the surplus, keeps what it has, and recovers', async () => {
  const { port } = await controller((socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
  const { child, exited, log, state } = await poorProxy(port, 61)
  const clients = Array.from({ length: 100 }, () => dial(port))
  for (const { socket } of clients) {
    socket.on('end', () => socket.end())
    socket.write('hello')
  }
  const served = () => clients.filter((client) => client.received().toString() === 'hello')
  const turnedAway = () => clients.filter((client) => client.socket.destroyed)
  await waitFor(() => expect(served().length + turnedAway().length).toBe(100))
  expect(served().length).toBeGreaterThan(5)
  expect(turnedAway().length).toBeGreaterThan(20)

  const keeper = served()[0]
  keeper?.socket.write(' again')
  await waitFor(() => expect(keeper?.received().toString()).toBe('hello again'))
  for (const { socket } of clients) socket.end()
  await waitFor(async () => expect((await state()).open).toBe(0))
  const late = dial(port)
  late.socket.write('late')
  await waitFor(() => expect(late.received().toString()).toBe('late'))
  const { refused } = await state()
  expect(log.some((line) => line.includes('no-resources'))).toBe((refused['no-resources'] ?? 0) > 0)
  child.stdin.end()
  expect(await soon(exited)).toEqual([0, null])
})
