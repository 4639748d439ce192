import { expect, test, vi } from 'vitest'
import { ConnectionLimits } from '../../src/proxy/limits.ts'
import { controller, dial, soon, startProxy } from './support.ts'

test('places are counted by source and port, and in total, and can be taken again once released', () => {
  const limits = new ConnectionLimits({ maxTotal: 4, maxPerSource: 2 })
  expect(limits.take(8088, '192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '::ffff:192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '192.0.2.1')).toBe('limit-source')
  expect(limits.take(8043, '192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '2001:db8::1')).toBeUndefined()
  expect(limits.take(8088, '192.0.2.2')).toBe('limit-total')
  limits.release(8088, '192.0.2.1')
  expect(limits.take(8088, '192.0.2.1')).toBeUndefined()
  for (let count = 0; count < 2; count += 1) limits.release(8088, '192.0.2.1')
  limits.release(8043, '192.0.2.1')
  limits.release(8088, '2001:db8::1')
  for (let count = 0; count < 4; count += 1) expect(limits.take(count, '2001:db8::2')).toBeUndefined()
})

test('a source over its limit is reset while other sources are served, until it closes one', async () => {
  const { port } = await controller((socket) => {
    socket.write('hi')
    socket.on('end', () => socket.end()).resume()
  })
  const { state, proxy } = await startProxy({ ports: [port], proxy: { maxConnectionsPerSource: 2 } })
  const first = dial(port)
  const second = dial(port)
  await vi.waitFor(() => expect(state().open).toBe(2))
  expect(await soon(dial(port).closed)).toBe('reset')
  const other = dial(port, { localAddress: '127.0.0.9' })
  await vi.waitFor(() => expect(other.received().toString()).toBe('hi'))
  expect(state()).toMatchObject({ open: 3, total: 4, refused: { 'limit-source': 1, 'limit-total': 0 } })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 2, lastRefusal: 'limit-source' })

  first.socket.end()
  await soon(first.closed)
  await vi.waitFor(() => expect(state().open).toBe(2))
  const again = dial(port)
  await vi.waitFor(() => expect(again.received().toString()).toBe('hi'))
  expect(second.socket.destroyed).toBe(false)
})

test('the total limit counts over all ports', async () => {
  const one = await controller(() => {})
  const two = await controller(() => {})
  const { state } = await startProxy({ ports: [one.port, two.port], proxy: { maxConnections: 2 } })
  dial(one.port)
  dial(two.port)
  await vi.waitFor(() => expect(state(one.port).open + state(two.port).open).toBe(2))
  expect(await soon(dial(two.port).closed)).toBe('reset')
  expect(state(two.port).refused['limit-total']).toBe(1)
})

test('2,000 connections at once are all served, and nothing is left of them', { timeout: 60_000 }, async () => {
  const { port } = await controller((socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
  const { state, proxy } = await startProxy({ ports: [port], proxy: { maxConnectionsPerSource: 2000 } })
  const clients = Array.from({ length: 2000 }, () => dial(port))
  for (const [index, { socket }] of clients.entries()) socket.write(`device ${index}`)
  await vi.waitFor(
    () => expect(clients.filter((client, index) => client.received().toString() !== `device ${index}`)).toEqual([]),
    { timeout: 40_000, interval: 200 },
  )
  expect(state()).toMatchObject({ open: 2000, total: 2000 })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 2000 })
  for (const { socket } of clients) socket.end()
  await vi.waitFor(() => expect(state().open).toBe(0), { timeout: 20_000 })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 0 })
})
