import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { pump } from '../../../src/edge/proxy/pump.ts'
import { waitFor } from '../../support/wait-for.ts'
import { later } from './support.ts'

/** The two ends of a connection over loopback. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  later(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const far = connect({ host: '127.0.0.1', port: address.port, allowHalfOpen: true })
  const near = await accepted
  for (const socket of [near, far]) {
    socket.on('error', () => {})
    later(() => socket.destroy())
  }
  return { near, far }
}

/** A pump between two pairs: what is written at one far end comes out at the other. */
async function pumped(idleMilliseconds = 60_000) {
  const client = await pair()
  const upstream = await pair()
  pump(client.near, upstream.near, { idleMilliseconds, meter: { bytesIn: 0, bytesOut: 0 } })
  return { client, upstream }
}

/** Writes at the client's far end until the controller's side, which does not read, takes no more, or until `most`. */
async function fill({ client, upstream }: Awaited<ReturnType<typeof pumped>>, most: number): Promise<number> {
  upstream.far.pause()
  let sent = 0
  while (upstream.near.writableLength === 0 && sent < most) {
    client.far.write(Buffer.alloc(16_000, 1))
    sent += 16_000
    await waitFor(() => expect(client.near.bytesRead).toBe(sent), { interval: 1 })
    await delay(1)
  }
  return sent
}

/** The client ends, resets, and the pump notices; then the controller reads what it gets. */
async function endAndReset({ client, upstream }: Awaited<ReturnType<typeof pumped>>): Promise<{ got: number }> {
  client.far.end()
  await waitFor(() => expect(upstream.near.writableEnded).toBe(true))
  client.far.resetAndDestroy()
  // Only writing to the client tells that it is gone.
  upstream.far.write('answer')
  await waitFor(() => expect(client.near.destroyed).toBe(true))
  const read = { got: 0 }
  upstream.far.on('data', (chunk) => {
    read.got += chunk.length
  })
  upstream.far.resume()
  return read
}

test('what a client sent before it ended and reset arrives whole', { timeout: 60_000 }, async () => {
  // The kernel takes no more towards the controller: the rest is in the pump's own buffer.
  const full = await pumped()
  const sent = await fill(full, 64_000_000)
  const late = await endAndReset(full)
  await waitFor(() => expect(late.got).toBe(sent))
  await waitFor(() => expect(full.upstream.near.destroyed).toBe(true))

  // The kernel has taken all of it: the pump is done, and some has not left this machine yet.
  const partly = await pumped()
  const less = await fill(partly, 0.9 * sent)
  expect(partly.upstream.near.writableLength).toBe(0)
  const rest = await endAndReset(partly)
  await waitFor(() => expect(rest.got).toBe(less))
  await waitFor(() => expect(partly.upstream.near.destroyed).toBe(true))
})

test('a stream that is cut in the middle is reset, not ended, on the other side', async () => {
  const { client, upstream } = await pumped()
  const seen: string[] = []
  upstream.far.on('end', () => seen.push('end'))
  upstream.far.on('error', (error) => seen.push('code' in error ? String(error.code) : 'error'))
  upstream.far.resume()
  client.far.write('half a mess')
  await waitFor(() => expect(upstream.far.bytesRead).toBe(11))
  client.far.resetAndDestroy()
  await waitFor(() => expect(upstream.far.destroyed).toBe(true))
  expect(seen).toEqual(['ECONNRESET'])
  await waitFor(() => expect([client.near.destroyed, upstream.near.destroyed]).toEqual([true, true]))
})

test('a half-open connection on which nothing more comes is closed when it is idle', async () => {
  const { client, upstream } = await pumped(300)
  upstream.far.resume()
  client.far.end('request')
  await waitFor(() => expect(upstream.far.readableEnded).toBe(true))
  await waitFor(() => expect([client.near.destroyed, upstream.near.destroyed]).toEqual([true, true]))
})
