import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { deafController } from '../fixtures/deaf-controller.ts'
import { controller, dial, later, proxyHost, soon, startProxy } from '../support.ts'
import { get, pulling, startWaiting } from './support.ts'

test.each([{ tls: false }, { tls: true }])(
  'while the controller is away, a page with status 503 (tls: $tls)',
  async ({ tls }) => {
    const room = await startWaiting()
    const port = tls ? room.tls : room.plain
    const answer = await get(port, { tls, accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
    expect(answer.status).toBe(503)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'close',
      'retry-after': '3',
    })
    expect(answer.body).toContain('Downloading docker.io/mbentley/omada-controller:6.2')
    expect(answer.body).toContain('123 MB of 456 MB')
    await waitFor(() => expect(room.state(port)).toMatchObject({ open: 0, total: 1, waitingRoom: 1, bytesIn: 0 }))
  },
)

test.each([{ tls: false }, { tls: true }])('a program gets JSON (tls: $tls)', async ({ tls }) => {
  const room = await startWaiting()
  const answer = await get(tls ? room.tls : room.plain, { tls, accept: 'application/json, text/plain, */*' })
  expect(answer.status).toBe(503)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(JSON.parse(answer.body)).toEqual({
    phase: 'pulling',
    reason: pulling.reason,
    pull: {
      image: 'docker.io/mbentley/omada-controller:6.2',
      current: 123_456_789,
      total: 456_000_000,
      percent: 27,
      attempt: 2,
    },
  })
})

test('HEAD is answered without a body, any other method with the page', async () => {
  const { plain } = await startWaiting()
  const head = await get(plain, { method: 'HEAD' })
  expect(head.status).toBe(503)
  expect(head.body).toBe('')
  expect(Number(head.headers['content-length'])).toBeGreaterThan(1000)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await get(plain, { method, body: 'x'.repeat(1000) })
    expect(answer.status).toBe(503)
  }
})

test('visitors outside the management role learn that they have to wait, not why', async () => {
  const room = await startWaiting({
    view: { phase: 'failed', reason: { message: 'secret log line', code: 'DISK_FULL', remedy: 'free space' } },
    access: (role) => ({ admits: () => role === 'guests' || role === 'devices', servedAddresses: () => [] }),
  })
  const answer = await get(room.tls, { tls: true })
  expect(answer.status).toBe(503)
  expect(answer.body).toContain('try again')
  expect(answer.body).not.toMatch(/secret|DISK_FULL|free space|Status of this appliance/)
})

test('when the controller is ready new connections reach it, and those that were made stay', async () => {
  const room = await startWaiting()
  const visitor = await get(room.plain)
  expect(visitor.status).toBe(503)
  await controller((socket) => socket.on('data', (chunk) => socket.write(`controller:${chunk}`)), room.plain)

  room.upstream.now = { kind: 'forward' }
  const client = dial(room.plain)
  client.socket.write('one')
  await waitFor(() => expect(client.received().toString()).toBe('controller:one'))
  room.upstream.now = { kind: 'wait', view: { phase: 'degraded', reason: { message: 'no database' } } }
  expect((await get(room.plain)).body).toContain('no database')
  client.socket.write('two')
  await waitFor(() => expect(client.received().toString()).toBe('controller:onecontroller:two'))
  expect(room.state(room.plain)).toMatchObject({ open: 1, total: 3, waitingRoom: 2 })
})

test.each([{ tls: false }, { tls: true }])(
  'a controller that should serve but refuses: the waiting room takes the client over untouched (tls: $tls)',
  async ({ tls }) => {
    const room = await startWaiting()
    room.upstream.now = { kind: 'forward' }
    const port = tls ? room.tls : room.plain
    const answer = await get(port, { tls })
    expect(answer.status).toBe(503)
    expect(answer.body).toContain('does not accept connections')
    expect(room.state(port)).toMatchObject({ waitingRoom: 1, refused: { 'upstream-refused': 0 } })
  },
)

test.each([{ tls: false }, { tls: true }])(
  'a controller that should serve but never accepts: the visitor loses nothing of what it sent meanwhile (tls: $tls)',
  async ({ tls }) => {
    const port = await deafController()
    await startProxy({
      ports: [port],
      proxy: { connectTimeoutSeconds: 0.5 },
      tuning: { webPorts: [{ port, tls }] },
    })
    const answer = await get(port, { tls, method: 'POST', body: 'x'.repeat(5000) })
    expect(answer.status).toBe(503)
  },
)

test.each(['silent', 'byte by byte', 'endless header'])(
  'a visitor that never completes its request is closed: %s',
  async (how) => {
    const room = await startWaiting({ tuning: { visitMilliseconds: 500 } })
    const client = dial(room.plain)
    client.socket.on('end', () => client.socket.end())
    if (how !== 'silent') client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
    const drip = setInterval(
      () => client.socket.write(how === 'endless header' ? `x: ${'y'.repeat(4000)}\r\n` : 'x'),
      20,
    )
    later(() => clearInterval(drip))
    if (how === 'silent') clearInterval(drip)
    await soon(client.closed)
    if (how === 'endless header') expect(client.received().toString()).toMatch(/^(HTTP\/1.1 431|$)/)
    await waitFor(() => expect(room.state(room.plain).open).toBe(0))
    expect((await get(room.plain)).status).toBe(503)
  },
)

test('a TLS visitor that never shakes hands, speaks nonsense, or shakes hands and says nothing is closed', async () => {
  const room = await startWaiting({ tuning: { visitMilliseconds: 500 } })
  const silent = dial(room.tls)
  const nonsense = dial(room.tls)
  nonsense.socket.write('GET / HTTP/1.1\r\n\r\n')
  for (const { socket } of [silent, nonsense]) socket.on('end', () => socket.end())
  const mute = connect({ host: proxyHost, port: room.tls, rejectUnauthorized: false })
  mute.on('error', () => {})
  await soon(once(mute, 'secureConnect'))
  await soon(Promise.all([silent.closed, nonsense.closed, once(mute, 'close')]))
  await waitFor(() => expect(room.state(room.tls).open).toBe(0))
  expect((await get(room.tls, { tls: true })).status).toBe(503)
})

test('bad requests are answered 400 and end; a reset mid-request touches nobody else', async () => {
  const room = await startWaiting()
  const bad = dial(room.plain)
  bad.socket.write('BREW /pot HTCPCP/1.0\r\n\r\n')
  bad.socket.on('end', () => bad.socket.end())
  await soon(bad.closed)
  expect(bad.received().toString()).toContain('400 Bad Request')
  const cut = dial(room.plain)
  cut.socket.write('GET / HTTP/1.1\r\n')
  await waitFor(() => expect(room.state(room.plain).open).toBe(1))
  cut.socket.resetAndDestroy()
  await waitFor(() => expect(room.state(room.plain).open).toBe(0))
  expect((await get(room.plain)).status).toBe(503)
})

test('stop closes visitors too', async () => {
  const room = await startWaiting()
  const plain = dial(room.plain)
  const tls = connect({ host: proxyHost, port: room.tls, rejectUnauthorized: false })
  tls.on('error', () => {})
  await soon(once(tls, 'secureConnect'))
  await waitFor(() => expect(room.state(room.plain).open).toBe(1))
  const closed = once(tls, 'close')
  await soon(room.proxy.stop(AbortSignal.abort()))
  await soon(Promise.all([plain.closed, closed]))
  expect(room.state(room.plain).open + room.state(room.tls).open).toBe(0)
})
