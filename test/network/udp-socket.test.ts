import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { absenceCode, connectUdp, UdpSocket, type UdpSocketOptions } from '../../src/network/udp-socket.ts'
import { waitFor } from '../support/wait-for.ts'

const run = promisify(execFile)
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function bound(options: Partial<UdpSocketOptions> = {}): Promise<{ socket: UdpSocket; texts: string[] }> {
  const texts: string[] = []
  const socket = await UdpSocket.bind({
    address: '127.0.0.1',
    port: 0,
    onDatagram: (payload) => texts.push(`${payload}`),
    onError: () => {},
    ...options,
  })
  closing.push(() => socket.close())
  return { socket, texts }
}

function connected(port: number, address = '127.0.0.1') {
  const texts: string[] = []
  const errors: (string | undefined)[] = []
  const socket = connectUdp({
    address,
    port,
    onDatagram: (payload) => texts.push(`${payload}`),
    onError: (error) => errors.push(absenceCode(error)),
  })
  closing.push(() => socket.close())
  const send = (text: string) => new Promise<Error | undefined>((done) => socket.send(Buffer.from(text), done))
  return { socket, texts, errors, send }
}

test('a port that is held is told, and one that is shared is not held', async () => {
  const { socket } = await bound({ shared: true })
  await expect(bound({ port: socket.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  const other = await bound({ port: socket.port, shared: true })
  expect(other.socket.port).toBe(socket.port)
})

test('another user of this machine gets no place beside a shared socket, whatever it asks for', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root starts programs as other users')
  const { socket, texts } = await bound({ shared: true })
  const { texts: broadcasts } = await bound({ address: '0.0.0.0', port: socket.port, shared: true })
  const program = `
    const { createSocket } = require('node:dgram')
    const tries = ['127.0.0.1', '0.0.0.0'].flatMap((address) =>
      [{}, { reuseAddr: true }, { reusePort: true }, { reuseAddr: true, reusePort: true }].map((options) => {
        const thief = createSocket({ type: 'udp4', ...options })
        return new Promise((resolve) => {
          thief.on('error', (error) => resolve(error.code))
          thief.bind(${socket.port}, address, () => resolve('bound'))
        })
      }),
    )
    Promise.all(tries).then((ends) => {
      console.log(ends.join(' '))
      process.exit()
    })`
  // Node.js may lie where that user must not look, such as below /root.
  const directory = await mkdtemp(join(tmpdir(), 'omada-host-other-user-'))
  closing.push(() => rm(directory, { recursive: true }))
  await chmod(directory, 0o755)
  const node = join(directory, 'node')
  await copyFile(process.execPath, node)
  const { stdout } = await run(node, ['-e', program], { uid: 65_534, gid: 65_534, cwd: '/' })
  expect(stdout.trim().split(' ')).toEqual(Array(8).fill('EADDRINUSE'))
  const { socket: device } = await bound()
  await device.send(Buffer.from('unicast'), socket.port, '127.0.0.1')
  await device.broadcast(Buffer.from('broadcast'), socket.port, '127.255.255.255')
  await waitFor(() => expect([texts, broadcasts]).toEqual([['unicast'], ['broadcast']]))
})

test('only a broadcast goes to a broadcast address, and nothing goes out by a closed socket', async () => {
  const { socket } = await bound()
  const payload = Buffer.from('x')
  await expect(socket.send(payload, 9, '127.255.255.255')).rejects.toMatchObject({ code: 'EACCES' })
  await socket.broadcast(payload, 9, '127.255.255.255')
  await expect(socket.send(payload, 9, '127.255.255.255')).rejects.toMatchObject({ code: 'EACCES' })
  await socket.close()
  await socket.close()
  await expect(socket.send(payload, 9, '127.0.0.1')).rejects.toThrow('closed')
  await expect(socket.broadcast(payload, 9, '127.255.255.255')).rejects.toThrow('closed')
})

test('a connected socket hears whom it talks to and nobody else', async () => {
  const { socket: peer, texts } = await bound()
  const { socket: stranger } = await bound()
  const one = connected(peer.port)
  expect(await one.send('hello')).toBeUndefined()
  await waitFor(() => expect(texts).toEqual(['hello']))
  await stranger.send(Buffer.from('forged'), one.socket.localPort, '127.0.0.1')
  await peer.send(Buffer.from('real'), one.socket.localPort, '127.0.0.1')
  await waitFor(() => expect(one.texts).toEqual(['real']))
})

test('a refusal is told as such, and the next datagram goes out all the same', async () => {
  const { socket: gone } = await bound()
  await gone.close()
  const one = connected(gone.port)
  await one.send('lost')
  await waitFor(() => expect(one.errors).toEqual(['ECONNREFUSED']))
  const { texts } = await bound({ port: gone.port })
  // The kernel may still have a refusal for this one to run into.
  await one.send('lost or not')
  expect(await one.send('arrives')).toBeUndefined()
  await waitFor(() => expect(texts).toContain('arrives'))
  one.socket.close()
  one.socket.close()
  expect(await one.send('late')).toBeInstanceOf(Error)
})

test('where no route leads nothing is opened', () => {
  // The kernel refuses to connect a socket to a broadcast address, as it does without a route.
  expect(() => connected(9, '127.255.255.255')).toThrow(expect.objectContaining({ code: expect.any(String) }))
})
