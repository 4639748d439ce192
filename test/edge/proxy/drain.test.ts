import { expect, test } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { controller, dial, freePort, soon, startProxy } from './support.ts'

const patient = () => new AbortController().signal

async function echo(): Promise<number> {
  const { port } = await controller((socket) => {
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end())
  })
  return port
}

test('on stop connections may finish, and new ones are not accepted', async () => {
  const port = await echo()
  const { proxy, state } = await startProxy({ ports: [port], proxy: { drainSeconds: 60 } })
  const client = dial(port)
  client.socket.write('before')
  await waitFor(() => expect(client.received().toString()).toBe('before'))
  let stopped = false
  const stopping = proxy.stop(patient()).then(() => {
    stopped = true
  })
  await waitFor(() => expect(state().state).toBe('draining'))
  const refused = dial(port)
  await soon(refused.closed)
  client.socket.write(' after')
  await waitFor(() => expect(client.received().toString()).toBe('before after'))
  expect(stopped).toBe(false)
  client.socket.end()
  await soon(stopping)
  expect(await soon(client.closed)).toBe('end')
  expect(state()).toMatchObject({ state: 'closed', open: 0, total: 1 })
})

test('connections that do not finish are reset when the drain time is over, on both sides', async () => {
  const ends: string[] = []
  const { port } = await controller((socket) => {
    socket.on('error', (error) => ends.push('code' in error ? String(error.code) : ''))
    socket.resume()
  })
  const { proxy, state } = await startProxy({ ports: [port], proxy: { drainSeconds: 0.2 } })
  const device = dial(port)
  await waitFor(() => expect(proxy.connectionsFrom(port, '127.0.0.1').open).toBe(1))
  await soon(proxy.stop(patient()))
  expect(await soon(device.closed)).toBe('reset')
  await waitFor(() => expect(ends).toEqual(['ECONNRESET']))
  expect(state()).toMatchObject({ state: 'closed', open: 0 })
})

test('the deadline ends the drain early', async () => {
  const port = await echo()
  const { proxy } = await startProxy({ ports: [port], proxy: { drainSeconds: 300 } })
  const device = dial(port)
  await waitFor(() => expect(proxy.connectionsFrom(port, '127.0.0.1').open).toBe(1))
  const deadline = new AbortController()
  const stopping = proxy.stop(deadline.signal)
  deadline.abort()
  await soon(stopping)
  expect(await soon(device.closed)).toBe('reset')
})

test('stop is idempotent, safe before a start, and gives the port free', async () => {
  const port = await echo()
  const { proxy } = await startProxy({ ports: [port] })
  await Promise.all([proxy.stop(patient()), proxy.stop(patient())])
  await proxy.stop(patient())
  const successor = await startProxy({ ports: [port] })
  expect(successor.state().state).toBe('listening')
})

test('a start that is cancelled leaves nothing open', async () => {
  const port = await freePort()
  const { proxy } = await startProxy({ ports: [port] })
  await proxy.stop(patient())
  await expect(proxy.start(AbortSignal.abort())).rejects.toThrow()
  expect(proxy.state()[0]?.state).toBe('closed')
})
