import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { hostState, soon } from '../../ipc/fixtures.ts'
import { expectSlowReaderDropped } from '../../ipc/slow-reader.ts'
import { waitFor } from '../../support/wait-for.ts'
import { everybody, freePort, rawConnection, serve } from './serve.ts'

const ask = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const subscribe = 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n'

test('it serves IPv4 and IPv6 on one port', async () => {
  await using served = await serve()
  expect((await fetch(`http://127.0.0.1:${served.port}/healthz`)).status).toBe(200)
  expect((await fetch(`http://[::1]:${served.port}/healthz`)).status).toBe(200)
  expect(served.server.state()).toEqual({
    protocol: 'tcp',
    address: '*',
    port: served.port,
    state: 'listening',
    refused: 0,
  })
})

test('a port in use is told, tried again, and opens when it becomes free', async () => {
  const port = await freePort()
  const rival = createServer()
  await new Promise<void>((resolve) => rival.listen(port, '0.0.0.0', resolve))
  await using served = await serve({ port })
  expect(served.server.state()).toMatchObject({
    state: 'failed',
    reason: { code: 'PORT_IN_USE', message: expect.stringContaining(String(port)), remedy: expect.any(String) },
  })
  await new Promise((resolve) => rival.close(resolve))
  await waitFor(() => expect(served.server.state().state).toBe('listening'))
  expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
})

test('stop gives up a port that never opened', async () => {
  const rival = createServer()
  const port = await freePort()
  await new Promise<void>((resolve) => rival.listen(port, '0.0.0.0', resolve))
  const served = await serve({ port })
  await served.server.stop(soon())
  await new Promise((resolve) => rival.close(resolve))
  await expect(fetch(`${served.url}/healthz`)).rejects.toThrow()
})

test('a client that access does not admit is reset and counted', async () => {
  const seen: unknown[] = []
  const access = {
    ...everybody,
    admits: (peer: object) => {
      seen.push(peer)
      return false
    },
  }
  await using served = await serve({ access })
  const got = rawConnection(served.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await waitFor(() => expect(got.closed).toBe(true))
  expect(got.text).toBe('')
  expect(got.error).toBe('ECONNRESET')
  expect(seen).toEqual([{ localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.1' }])
  expect(served.server.state().refused).toBe(1)
})

test('one client may hold 32 connections, and get new ones when it lets go of some', async () => {
  await using served = await serve()
  const hold = async () => {
    const held = Array.from({ length: 32 }, () => rawConnection(served.port, ask))
    await waitFor(() => expect(held.every((one) => one.closed || one.text.includes('200 OK'))).toBe(true))
    const free = () => held.forEach((one) => void one.socket.destroy())
    if (held.every((one) => !one.closed)) return free
    free()
    throw new Error('not all were admitted')
  }
  const free = await hold()
  const extra = rawConnection(served.port, ask)
  await waitFor(() => expect(extra.closed).toBe(true))
  expect(extra.text).toBe('')
  expect(served.server.state().refused).toBe(1)
  free()
  // The server needs a moment to see that they are gone.
  const freeAgain = await waitFor(hold, { interval: 200 })
  freeAgain()
})

test('one client may hold 16 event streams; the next is told to come later', async () => {
  await using served = await serve()
  const held = Array.from({ length: 16 }, () => rawConnection(served.port, subscribe))
  await waitFor(() => expect(held.every((one) => one.text.includes('event: status'))).toBe(true))
  const response = await fetch(`${served.url}/api/v1/events`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'HTTP_BUSY' })
  for (const one of held) one.socket.destroy()
})

test('a client that leaves its answers unread gets no more of them', async () => {
  await using served = await serve()
  // Far more than the sockets' buffers hold.
  served.host = hostState({ reason: { message: 'x'.repeat(24_000_000) } })
  const held: Array<ReturnType<typeof rawConnection>> = []
  const askAnother = async () => {
    const slow = rawConnection(served.port, 'GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n')
    held.push(slow)
    // With its first piece: until the next look it would have read all of it.
    slow.socket.once('data', () => slow.socket.pause())
    await waitFor(() => expect(slow.text).not.toBe(''))
    return slow.text.slice(0, 12)
  }
  const answers: string[] = []
  for (let count = 0; count < 4; count += 1) answers.push(await askAnother())
  expect(answers[0]).toBe('HTTP/1.1 200')
  expect(answers.at(-1)).toBe('HTTP/1.1 503')
  expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
  for (const one of held) one.socket.destroy()
  await waitFor(async () => expect((await fetch(`${served.url}/api/v1/devices`)).status).toBe(200))
})

test('readers in a loop are given the same answer for a moment', async () => {
  await using served = await serve()
  let merged = 0
  const { ports } = served.edge.proxy
  served.edge = {
    ...served.edge,
    proxy: {
      get ports() {
        merged += 1
        return ports
      },
    },
  }
  for (let count = 0; count < 200; count += 1) await fetch(`${served.url}/api/v1/status`)
  expect(merged).toBeLessThan(200)
})

test('a subscriber that does not read is dropped, the others go on', async () => {
  // Longer than the machine may pause, or the one that reads would be taken for one that does not.
  await using served = await serve({ timing: { heartbeatMilliseconds: 1000 } })
  await expectSlowReaderDropped({
    subscribe: () => rawConnection(served.port, subscribe),
    publish: (message) => {
      served.host = hostState({ reason: { message } })
      served.changed.emit()
    },
    ballastLength: 8_000_000,
  })
})

test('stop closes every connection, busy ones too', async () => {
  await using served = await serve()
  const stream = rawConnection(served.port, subscribe)
  const idle = rawConnection(served.port, 'GET / HT')
  await waitFor(() => expect(stream.text).toContain('event: status'))
  await served.server.stop(soon())
  await waitFor(() => expect([stream.closed, idle.closed]).toEqual([true, true]))
  expect(served.server.state().state).toBe('closed')
})
