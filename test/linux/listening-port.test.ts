import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { listensIn } from '../../src/linux/listening-port.ts'

const forever = new AbortController().signal

test.each(['127.0.0.1', '::'])('a port that is open on %s is seen, and that it is closed', async (host) => {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect(await listensIn(process.pid, port, forever)).toBe(true)
  server.close()
  await once(server, 'close')
  expect(await listensIn(process.pid, port, forever)).toBe(false)
})

test('of a process that is gone nothing is told', async () => {
  // Process ids end below 2^22 (proc(5), pid_max).
  expect(await listensIn(4_194_305, 80, forever)).toBeUndefined()
})

test('an abort ends the look', async () => {
  await expect(listensIn(process.pid, 80, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
})
