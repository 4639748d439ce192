import { expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { ConnectionLimits } from '../../../src/edge/proxy/limits.ts'
import { webPorts } from '../../../src/omada/ports.ts'
import { waitFor } from '../../support/wait-for.ts'
import { controller, dial, soon, startProxy } from './support.ts'

const isWeb = (port: number) => port === 8088

test('places are counted by source and port, and can be taken again once released', () => {
  const limits = new ConnectionLimits({ maxTotal: 100, maxPerSource: 2, isWeb })
  expect(limits.take(8088, '192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '::ffff:192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '192.0.2.1')).toBe('limit-source')
  expect(limits.take(8043, '192.0.2.1')).toBeUndefined()
  expect(limits.take(8088, '2001:db8::1')).toBeUndefined()
  limits.release(8088, '192.0.2.1')
  expect(limits.take(8088, '192.0.2.1')).toBeUndefined()
})

test('the total is counted over all ports and sources, and every place comes back', () => {
  const limits = new ConnectionLimits({ maxTotal: 50, maxPerSource: 50, isWeb })
  const sources = Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`)
  const takeAll = () => sources.map((source, index) => limits.take(index % 2 === 0 ? 29_814 : 29_811, source))
  for (let round = 0; round < 3; round += 1) {
    const taken = takeAll()
    expect(taken.slice(0, 50)).toEqual(Array(50).fill(undefined))
    expect(taken.slice(50)).toEqual(Array(10).fill('limit-total'))
    for (const [index, source] of sources.slice(0, 50).entries()) {
      limits.release(index % 2 === 0 ? 29_814 : 29_811, source)
    }
  }
})

test('one source gets half of the places, two a third each, five a sixth each: the last part is always left', () => {
  for (const [count, each] of [
    [1, 300],
    [2, 200],
    [5, 100],
  ] as const) {
    const limits = new ConnectionLimits({ maxTotal: 600, maxPerSource: 600, isWeb })
    const greedy = Array.from({ length: count }, (_, index) => ({ address: `192.0.2.${index}`, got: 0 }))
    // In turns, on many ports, until none of them gets more.
    for (let port = 29_811, refused = 0; refused < count; port = port === 29_817 ? 29_811 : port + 1) {
      refused = 0
      for (const source of greedy) {
        if (limits.take(port, source.address) === undefined) source.got += 1
        else refused += 1
      }
    }
    expect(greedy.map(({ got }) => got)).toEqual(Array(count).fill(each))
    expect(limits.take(29_814, '198.51.100.1')).toBeUndefined()
  }
})

test('at the defaults, two machines that take all they get leave places for thousands of devices', () => {
  const { maxConnections, maxConnectionsPerSource, ports } = configSchema.parse({}).proxy
  const web = new Set(webPorts.map(({ port }) => port))
  const limits = new ConnectionLimits({
    maxTotal: maxConnections,
    maxPerSource: maxConnectionsPerSource,
    isWeb: (port) => web.has(port),
  })
  for (const port of ports) {
    for (let turn = 0; turn < maxConnections; turn += 1) limits.take(port, `192.0.2.${turn % 2}`)
  }
  const devices = Array.from({ length: 4000 }, (_, index) => limits.take(29_814, `10.0.${index >> 8}.${index & 255}`))
  expect(devices.filter((refusal) => refusal !== undefined)).toEqual([])
})

test('a source over its limit is reset while other sources are served, until it closes one', async () => {
  const { port } = await controller((socket) => {
    socket.write('hi')
    socket.on('end', () => socket.end()).resume()
  })
  const { state, proxy } = await startProxy({ ports: [port], proxy: { maxConnectionsPerSource: 2 } })
  const first = dial(port)
  const second = dial(port)
  // Whoever reaches the controller only later was not refused last.
  for (const one of [first, second]) await waitFor(() => expect(one.received().toString()).toBe('hi'))
  expect(state().open).toBe(2)
  expect(await soon(dial(port).closed)).toBe('reset')
  const other = dial(port, { localAddress: '127.0.0.9' })
  await waitFor(() => expect(other.received().toString()).toBe('hi'))
  expect(state()).toMatchObject({ open: 3, total: 4, refused: { 'limit-source': 1, 'limit-total': 0 } })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 2, lastRefusal: 'limit-source' })

  first.socket.end()
  await soon(first.closed)
  await waitFor(() => expect(state().open).toBe(2))
  const again = dial(port)
  await waitFor(() => expect(again.received().toString()).toBe('hi'))
  expect(second.socket.destroyed).toBe(false)
})

/** Connections that stay open and silent, one after the other, until the proxy turns one away. */
async function fill(port: number, sources: readonly string[]): Promise<number> {
  for (let held = 0; held < 100; held += 1) {
    const client = dial(port, { localAddress: sources[held % sources.length] ?? '' })
    const served = new Promise((resolve) => client.socket.once('data', () => resolve('served')))
    if ((await soon(Promise.race([served, client.closed]))) === 'reset') return held
  }
  throw new Error('nothing was turned away')
}

test('two clients that open all they get, on every port, leave places to devices', async () => {
  const web = await controller((socket) => socket.write('hi'))
  const devices = await controller((socket) => socket.write('hi'))
  const { state, proxy } = await startProxy({
    ports: [web.port, devices.port],
    proxy: { maxConnections: 24 },
    tuning: { webPorts: [{ port: web.port, tls: false }] },
  })
  const greedy = ['127.0.0.11', '127.0.0.12']
  for (const { port } of [web, devices]) await fill(port, greedy)
  expect(state(web.port).open + state(devices.port).open).toBe(16)
  expect(state(devices.port).refused).toMatchObject({ 'limit-source': 1, 'limit-total': 0 })
  for (let last = 21; last < 29; last += 1) {
    const device = dial(devices.port, { localAddress: `127.0.0.${last}` })
    await waitFor(() => expect(device.received().toString()).toBe('hi'))
  }
  expect(await soon(dial(devices.port, { localAddress: '127.0.0.29' }).closed)).toBe('reset')
  expect(proxy.connectionsFrom(devices.port, '127.0.0.29')).toEqual({ open: 0, lastRefusal: 'limit-total' })
})

test('however many clients the web ports have, half of the places are left to devices', async () => {
  const web = await controller((socket) => socket.write('hi'))
  const devices = await controller((socket) => socket.write('hi'))
  const { state } = await startProxy({
    ports: [web.port, devices.port],
    proxy: { maxConnections: 24 },
    tuning: { webPorts: [{ port: web.port, tls: false }] },
  })
  const addresses = (first: number) => Array.from({ length: 50 }, (_, index) => `127.0.1.${first + index}`)
  expect(await fill(web.port, addresses(1))).toBe(12)
  expect(state(web.port).refused).toMatchObject({ 'limit-total': 1, 'limit-source': 0 })
  expect(await fill(devices.port, addresses(101))).toBe(12)
  expect(state(devices.port).refused).toMatchObject({ 'limit-total': 1, 'limit-source': 0 })
})

test('2,000 connections at once are all served, and nothing is left of them', { timeout: 60_000 }, async () => {
  const { port } = await controller((socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
  const { state, proxy } = await startProxy({ ports: [port], proxy: { maxConnectionsPerSource: 2000 } })
  const clients = Array.from({ length: 2000 }, () => dial(port))
  for (const [index, { socket }] of clients.entries()) socket.write(`device ${index}`)
  await waitFor(
    () => expect(clients.filter((client, index) => client.received().toString() !== `device ${index}`)).toEqual([]),
    { timeout: 40_000, interval: 200 },
  )
  expect(state()).toMatchObject({ open: 2000, total: 2000 })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 2000 })
  for (const { socket } of clients) socket.end()
  await waitFor(() => expect(state().open).toBe(0))
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 0 })
})
