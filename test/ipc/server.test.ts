import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { StateServer } from '../../src/ipc/server.ts'
import { StateStore } from '../../src/ipc/store.ts'
import { waitFor } from '../support/wait-for.ts'
import { hostState, silent, soon, temporaryDirectory } from './fixtures.ts'
import { expectSlowReaderDropped } from './slow-reader.ts'

async function serve(options: { maxSubscribers?: number; heartbeatMilliseconds?: number } = {}) {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const store = new StateStore({ initial: hostState() })
  const server = new StateServer({
    logger: silent,
    path,
    mode: 0o660,
    store,
    timing: { coalesceMilliseconds: 50, heartbeatMilliseconds: options.heartbeatMilliseconds ?? 15_000 },
    ...(options.maxSubscribers === undefined ? {} : { maxSubscribers: options.maxSubscribers }),
  })
  await server.start(soon())
  const stop = async () => {
    await server.stop(soon())
    await directory[Symbol.asyncDispose]()
  }
  return { path, store, server, [Symbol.asyncDispose]: stop }
}

/** Sends `text` as it is and collects what comes back. */
function rawConnection(path: string, text: string) {
  const socket = connect({ path })
  const got = { text: '', closed: false, socket }
  socket.on('data', (chunk) => {
    got.text += chunk.toString()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    got.closed = true
  })
  socket.write(text)
  return got
}

async function get(path: string, url: string, method = 'GET') {
  const outgoing = request({ socketPath: path, path: url, method, agent: false, signal: soon() })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, body: JSON.parse(text) }
}

const subscribe = 'GET /v1/events HTTP/1.1\r\nHost: appliance\r\n\r\n'

test('the state is served whole', async () => {
  await using served = await serve()
  expect(await get(served.path, '/v1/state')).toEqual({ status: 200, body: hostState() })
})

test('an unknown address and a method that would write are refused as coded JSON', async () => {
  await using served = await serve()
  for (const [url, method] of [
    ['/v1/nothing', 'GET'],
    ['/v1/state', 'POST'],
  ] as const) {
    expect(await get(served.path, url, method)).toEqual({
      status: 404,
      body: { code: 'HTTP_NOT_FOUND', message: expect.stringContaining(url), remedy: expect.any(String) },
    })
  }
})

test('a subscriber gets the whole state first, then every change, changes close together as one', async () => {
  await using served = await serve()
  const got = rawConnection(served.path, subscribe)
  await waitFor(() => expect(got.text).toContain('event: state\ndata: {"stateVersion":1,"phase":"ready"'))
  served.store.update((state) => ({ ...state, phase: 'stopping' }))
  for (let i = 0; i < 50; i++) served.store.update((state) => ({ ...state, reason: { message: `step ${i}` } }))
  await waitFor(() => expect(got.text).toContain('step 49'))
  expect(got.text).toContain('"phase":"stopping"')
  expect(got.text.split('event: state').length - 1).toBeLessThanOrEqual(4)
  got.socket.destroy()
})

test('a change that changes nothing is not sent', async () => {
  await using served = await serve({ heartbeatMilliseconds: 100 })
  const got = rawConnection(served.path, subscribe)
  await waitFor(() => expect(got.text).toContain('event: state'))
  served.store.update((state) => ({ ...state }))
  await waitFor(() => expect(got.text).toContain('\n:\n\n'))
  expect(got.text.split('event: state').length - 1).toBe(1)
  got.socket.destroy()
})

test('subscribers are bounded, and a place becomes free again', async () => {
  await using served = await serve({ maxSubscribers: 2 })
  const first = rawConnection(served.path, subscribe)
  const second = rawConnection(served.path, subscribe)
  await waitFor(() => expect(first.text + second.text).toMatch(/event: state[\s\S]*event: state/))
  expect(await get(served.path, '/v1/events')).toMatchObject({ status: 503, body: { code: 'HTTP_BUSY' } })
  first.socket.destroy()
  await waitFor(async () => {
    const third = rawConnection(served.path, subscribe)
    await waitFor(() => expect(third.text).toMatch(/event: state|HTTP_BUSY/))
    third.socket.destroy()
    expect(third.text).toContain('event: state')
  })
  second.socket.destroy()
})

test('a subscriber that does not read is dropped, the others go on', async () => {
  // Longer than the machine may pause, or the one that reads would be taken for one that does not.
  await using served = await serve({ heartbeatMilliseconds: 1000 })
  await expectSlowReaderDropped({
    subscribe: () => rawConnection(served.path, subscribe),
    publish: (message) => served.store.update((state) => ({ ...state, reason: { message } })),
    ballastLength: 4_000_000,
  })
})

test('a subscriber that reads late gets the newest state, not all that it missed', async () => {
  await using served = await serve()
  const slow = rawConnection(served.path, subscribe)
  await waitFor(() => expect(slow.text).toContain('event: state'))
  slow.socket.pause()
  const quick = rawConnection(served.path, subscribe)
  const ballast = 'x'.repeat(1_000_000)
  for (let i = 0; i < 10; i++) {
    served.store.update((state) => ({ ...state, reason: { message: `${i}${ballast}` } }))
    await waitFor(() => expect(quick.text).toContain(`"${i}x`))
  }
  slow.socket.resume()
  await waitFor(() => expect(slow.text).toContain(`"9x`))
  // The first, at most two that the socket's buffers and its own hold, and the newest.
  expect(slow.text.split('event: state').length - 1).toBeLessThanOrEqual(4)
  slow.socket.destroy()
  quick.socket.destroy()
})

test('stop ends every stream', async () => {
  await using served = await serve()
  const got = rawConnection(served.path, subscribe)
  await waitFor(() => expect(got.text).toContain('event: state'))
  await served.server.stop(soon())
  await waitFor(() => expect(got.closed).toBe(true))
})
