import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { findPortHolders, parseSocketCgroups, unitOf } from '../../src/linux/port-holders.ts'

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
it('reads which unit opened each socket', () => {
  const text = [
    'tcp LISTEN 0 5 0.0.0.0:8043 0.0.0.0:* ino:117 sk:4 cgroup:/system.slice/holder.service <->',
    'udp UNCONN 0 0 [::]:29810 [::]:* uid:65534 ino:118 sk:5 cgroup:/user.slice/user-0.slice/session-1.scope v6only:0 <->',
    'tcp LISTEN 0 5 0.0.0.0:1 0.0.0.0:* ino:119 sk:6 cgroup:/ <->',
    'tcp LISTEN 0 5 0.0.0.0:2 0.0.0.0:* ino:120 sk:7 cgroup:unreachable:4d2 <->',
    '',
  ].join('\n')
  const found = parseSocketCgroups(text)
  expect(Object.fromEntries(found)).toEqual({
    117: '/system.slice/holder.service',
    118: '/user.slice/user-0.slice/session-1.scope',
  })
  expect([...found.values()].map(unitOf)).toEqual(['holder.service', 'session-1.scope'])
})
