import { expect, test } from 'vitest'
import { connectUpstream } from '../../../src/edge/proxy/upstream.ts'
import { waitFor } from '../../support/wait-for.ts'
import { deafController } from './fixtures/deaf-controller.ts'
import { controller, controllerHost, dial, freePort, soon, startProxy, withoutNetwork } from './support.ts'

const upstreamModule = new URL('../../../src/edge/proxy/upstream.ts', import.meta.url).href

test('a device is reset when the controller does not accept, and the reason is counted and remembered', async () => {
  const port = await freePort()
  const { state, proxy, lines } = await startProxy({ ports: [port] })
  const device = dial(port)
  expect(await soon(device.closed)).toBe('reset')
  expect(state()).toMatchObject({ total: 1, open: 0, waitingRoom: 0, refused: { 'upstream-refused': 1, access: 0 } })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 0, lastRefusal: 'upstream-refused' })
  expect(proxy.connectionsFrom(port, '::ffff:127.0.0.1')).toEqual({ open: 0, lastRefusal: 'upstream-refused' })
  expect(lines.some((line) => line.includes('turned away') && line.includes('upstream-refused'))).toBe(true)

  await controller((socket) => {
    socket.write('hello')
    socket.on('end', () => socket.end()).resume()
  }, port)
  const again = dial(port)
  await waitFor(() => expect(again.received().toString()).toBe('hello'))
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 1 })
  again.socket.destroy()
  await waitFor(() => expect(state().open).toBe(0))
})

test('a controller that never accepts costs a device no more than the connect deadline', async () => {
  const port = await deafController()
  const { state } = await startProxy({ ports: [port], proxy: { connectTimeoutSeconds: 0.3 } })
  expect(await soon(dial(port).closed)).toBe('reset')
  expect(state().refused['upstream-timeout']).toBe(1)
})

test('no route to the controller is told from a refusal', async ({ skip }) => {
  skip(process.geteuid?.() !== 0, 'only root can make a network namespace')
  const program = `
    const { connectUpstream } = await import(${JSON.stringify(upstreamModule)})
    connectUpstream({ address: '192.0.2.1', port: 9, timeoutMilliseconds: 5000 }, (refusal) => console.log(refusal))`
  expect(await withoutNetwork(program)).toBe('upstream-unreachable')
})

test('a connection that is closed while it is being made is reported once', async () => {
  const { port } = await controller(() => {})
  const reports: unknown[] = []
  const socket = connectUpstream({ address: controllerHost, port, timeoutMilliseconds: 5000 }, (refusal) =>
    reports.push(refusal),
  )
  socket.destroy()
  await waitFor(() => expect(reports).toEqual(['upstream-failed']))
})

test('without the bridge nothing is sent to the address that the controller would have', async () => {
  let reached = 0
  const { port } = await controller(() => reached++)
  const { state } = await startProxy({ ports: [port], controllerAddress: () => undefined })
  expect(await soon(dial(port).closed)).toBe('reset')
  expect(state().refused['upstream-unreachable']).toBe(1)
  expect(reached).toBe(0)
})
