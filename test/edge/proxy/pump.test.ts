import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { controller, dial, proxyHost, soon, startProxy } from './support.ts'

test('bytes pass both ways and are counted as they pass, not at the close', async () => {
  const { port } = await controller((socket) => socket.on('data', (chunk) => socket.write(`<${chunk}>`)))
  const { state } = await startProxy({ ports: [port] })
  const client = dial(port)
  client.socket.write('inform')
  await waitFor(() => expect(client.received().toString()).toBe('<inform>'))
  expect(state()).toMatchObject({ state: 'listening', open: 1, total: 1, bytesIn: 6, bytesOut: 8, waitingRoom: 0 })
})

test('a client that ended its side still gets the answer', async () => {
  const { port } = await controller((socket) => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => setTimeout(() => socket.end(`got ${Buffer.concat(chunks)}`), 50))
  })
  const { state } = await startProxy({ ports: [port] })
  const client = dial(port)
  client.socket.end('question')
  expect(await soon(client.closed)).toBe('end')
  expect(client.received().toString()).toBe('got question')
  await waitFor(() => expect(state().open).toBe(0))
})

test('a controller that ended its side still gets what the client has to say', async () => {
  const got: string[] = []
  const { port } = await controller((socket) => {
    socket.on('data', (chunk) => got.push(chunk.toString()))
    socket.on('end', () => got.push('end'))
    socket.end('hello')
  })
  await startProxy({ ports: [port] })
  const client = dial(port)
  await waitFor(() => expect(client.ended()).toBe(true))
  client.socket.end('late words')
  await waitFor(() => expect(got.join()).toBe('late words,end'))
  expect(client.received().toString()).toBe('hello')
})

test('50 MB come back whole from an echo, with little memory while the reader is slow', {
  timeout: 120_000,
}, async () => {
  const { port } = await controller((socket) => socket.pipe(socket))
  await startProxy({ ports: [port] })
  const { socket } = dial(port)
  const sent = createHash('sha256')
  const received = createHash('sha256')
  const block = randomBytes(1_000_000)
  socket.removeAllListeners('data')
  socket.pause()
  const before = process.memoryUsage().rss
  let blocks = 0
  const write = () => {
    let room = true
    while (blocks < 50 && room) {
      block.writeUInt32BE(blocks)
      sent.update(block)
      room = socket.write(Buffer.from(block))
      blocks += 1
    }
    if (blocks < 50) socket.once('drain', write)
    else socket.end()
  }
  write()
  // Nothing is read: writing must come to a halt long before the end.
  let last = -1
  await waitFor(
    () => {
      const [now, before] = [blocks, last]
      last = blocks
      expect({ now, full: socket.writableNeedDrain }).toEqual({ now: before, full: true })
    },
    { interval: 500 },
  )
  expect(blocks).toBeLessThan(40)
  expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    received.update(chunk)
    if (bytes % 7 === 0) {
      socket.pause()
      setTimeout(() => socket.resume(), 1)
    }
  })
  socket.resume()
  await soon(new Promise((resolve) => socket.once('end', resolve)), 100_000)
  expect(bytes).toBe(50_000_000)
  expect(received.digest('hex')).toBe(sent.digest('hex'))
})

test('a writer is stopped while the other side does not read', async () => {
  const accepted: Socket[] = []
  const { port } = await controller((socket) => accepted.push(socket.pause()))
  const { state } = await startProxy({ ports: [port] })
  const { socket } = dial(port)
  const writing = setInterval(() => {
    while (socket.writableLength < 1_000_000) socket.write(Buffer.alloc(100_000))
  }, 5)
  try {
    let last = -1
    // The kernel's buffers fill up, then the count stands still although the client has more to give.
    await waitFor(
      () => {
        const now = state().bytesIn
        const still = now === last && now > 0
        last = now
        expect(still).toBe(true)
      },
      { interval: 500 },
    )
    expect(socket.writableLength).toBeGreaterThanOrEqual(1_000_000)
  } finally {
    clearInterval(writing)
  }
})

test.each(['client', 'controller'] as const)('a reset by the %s reaches the other side as a reset', async (by) => {
  const accepted: Socket[] = []
  const errors: string[] = []
  const { port } = await controller((socket) => {
    accepted.push(socket)
    socket.on('error', (error) => errors.push('code' in error ? String(error.code) : ''))
    socket.on('data', () => socket.write('more'))
  })
  const { state } = await startProxy({ ports: [port] })
  const client = dial(port)
  const other = dial(port)
  client.socket.write('x')
  other.socket.write('x')
  await waitFor(() => expect([client.received().length, other.received().length]).toEqual([4, 4]))
  const first = accepted.find((socket) => socket.remotePort !== undefined)
  if (by === 'client') {
    client.socket.resetAndDestroy()
    await waitFor(() => expect(errors).toEqual(['ECONNRESET']))
  } else {
    first?.resetAndDestroy()
    expect(await soon(Promise.race([client.closed, other.closed]))).toBe('reset')
  }
  await waitFor(() => expect(state().open).toBe(1))
  const survivor = client.socket.destroyed ? other : client
  survivor.socket.write('x')
  await waitFor(() => expect(survivor.received().toString()).toBe('moremore'))
})

test('a connection on which nobody speaks is closed; one that speaks either way stays', async () => {
  const { port } = await controller((socket) => {
    // Speaks to those that greet it, and never listens again.
    socket.once('data', () => {
      const talk = setInterval(() => socket.write('.'), 100)
      socket.once('close', () => clearInterval(talk))
    })
  })
  const { state } = await startProxy({ ports: [port], proxy: { idleTimeoutSeconds: 1 } })
  const silent = dial(port, { host: proxyHost })
  const listening = dial(port)
  listening.socket.write('hello')
  expect(await soon(silent.closed)).toBe('reset')
  await waitFor(() => expect(listening.received().length).toBeGreaterThan(25))
  expect(state().open).toBe(1)
})
