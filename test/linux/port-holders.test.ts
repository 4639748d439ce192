import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { findPortHolders } from '../../src/linux/port-holders.ts'

describe('findPortHolders', () => {
  it('names the process that listens, over TCP and UDP, and nobody for a free port', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await Promise.all([once(server, 'listening'), once(socket, 'listening')])
    const tcp = (server.address() as AddressInfo).port
    const udp = socket.address().port
    const ports = [
      { protocol: 'tcp', port: tcp },
      { protocol: 'udp', port: udp },
    ] as const
    const mine = (await findPortHolders(ports)).filter((holder) => holder.pid === process.pid)
    expect(mine.map(({ protocol, port }) => ({ protocol, port }))).toEqual(expect.arrayContaining([...ports]))
    expect(mine[0]?.process).not.toBe('')
    server.close()
    socket.close()
    await once(server, 'close')
    expect(await findPortHolders([{ protocol: 'tcp', port: tcp }])).toEqual([])
  })
})
