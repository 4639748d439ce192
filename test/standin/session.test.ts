import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { encodeFrame, FrameReader } from './protocol/frame.ts'
import { type Fields, type Message, messageType } from './protocol/messages.ts'
import { deviceOf, operator, type Running, startController, startDevice } from './support.ts'

const mac = 'AA-BB-CC-00-00-01'

/** A bare TLS connection that plays a device message by message. */
function channel(running: Running): {
  socket: TLSSocket
  received: Message[]
  closed: Promise<void>
  send: (type: number, body: Fields, from?: string) => void
} {
  const options: ConnectionOptions = { host: '127.0.0.1', port: running.at('managerV2'), rejectUnauthorized: false }
  const socket = connect(options)
  onTestFinished(() => void socket.destroy())
  const received: Message[] = []
  const reader = new FrameReader()
  socket.on('data', (chunk: Buffer) => received.push(...reader.push(chunk)))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  const send = (type: number, body: Fields, from = mac) =>
    void socket.write(encodeFrame({ header: { type, mac: from, device: 'ap', seq: 7 }, body }))
  return { socket, received, closed, send }
}

async function adopting(): Promise<Running> {
  const running = await startController()
  const { device } = await startDevice(running)
  await waitFor(async () => expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'pending' }))
  await device.stop()
  await operator(running.at('api'), '/adopt', { mac })
  return running
}

it('closes on a device that nobody adopts', async () => {
  const running = await startController()
  const { send, closed, received } = channel(running)
  send(messageType.preConnectInfo, { needUsername: true })
  await closed
  expect(received).toEqual([])
})

it('echoes the sequence number and hands out a key', async () => {
  const { send, received } = channel(await adopting())
  send(messageType.preConnectInfo, { needUsername: true })
  await waitFor(() => expect(received.length).toBe(1))
  expect(received[0]).toMatchObject({ header: { type: 0x100000, seq: 7, mac }, body: { username: 'admin' } })
  expect(String(received[0]?.body.randomKeyForDeviceVerify).length).toBeGreaterThan(30)
})

it.each([
  ['a step out of order', messageType.initSyncResult, {}, mac],
  ['a proof with a short key', messageType.deviceVerifyInfo, { auth: 'X', randomKeyForSystemVerify: 'short' }, mac],
  ['an inform before the handshake', messageType.informRequest, {}, mac],
  ['another MAC on the same connection', messageType.deviceVerifyInfo, {}, 'AA-BB-CC-00-00-09'],
])('closes on %s', async (_, type, body, from) => {
  const { send, closed, received } = channel(await adopting())
  send(messageType.preConnectInfo, { needUsername: true })
  await waitFor(() => expect(received.length).toBe(1))
  send(type, body, from)
  await closed
  expect(received.length).toBe(1)
})

it('closes on what is no frame, and serves the next', async () => {
  const running = await adopting()
  const noise = channel(running)
  noise.socket.write('GET / HTTP/1.1\r\n\r\n')
  await noise.closed
  const { send, received } = channel(running)
  send(messageType.preConnectInfo, {})
  await waitFor(() => expect(received.length).toBe(1))
})
