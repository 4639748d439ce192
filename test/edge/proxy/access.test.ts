import type { Server, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { QuietLog } from '../../../src/core/quiet-log.ts'
import { ClientConnections } from '../../../src/edge/proxy/counters.ts'
import { ConnectionLimits } from '../../../src/edge/proxy/limits.ts'
import { listen } from '../../../src/edge/proxy/listener.ts'
import { PortProxy } from '../../../src/edge/proxy/port-proxy.ts'
import type { AccessPolicy } from '../../../src/network/access.ts'
import type { Role } from '../../../src/omada/ports.ts'
import { waitFor } from '../../support/wait-for.ts'
import { controller, controllerHost, dial, later, proxyHost, recordingLogger, soon, startProxy } from './support.ts'

const only = (address: string): AccessPolicy => ({
  admits: (peer) => peer.remoteAddress === address && peer.localAddress === proxyHost,
  servedAddresses: () => [],
})

test('a client outside the role of a port is reset and counted, and the log is not flooded', async () => {
  const { port } = await controller((socket) => socket.write('hi'))
  const { state, proxy, lines } = await startProxy({ ports: [port], access: () => only('127.0.0.9') })
  for (let count = 0; count < 5; count += 1) expect(await soon(dial(port).closed)).toBe('reset')
  const welcome = dial(port, { localAddress: '127.0.0.9' })
  await waitFor(() => expect(welcome.received().toString()).toBe('hi'))
  expect(state()).toMatchObject({ open: 1, total: 6, refused: { access: 5 } })
  expect(proxy.connectionsFrom(port, '127.0.0.1')).toEqual({ open: 0, lastRefusal: 'access' })
  expect(lines.filter((line) => line.includes('turned away'))).toHaveLength(1)
})

function judgedBy(port: number, access: (role: Role) => AccessPolicy): PortProxy {
  const { logger } = recordingLogger()
  return new PortProxy({
    port,
    shared: {
      dependencies: {
        access,
        arrivesBy: () => undefined,
        controllerAddress: () => controllerHost,
        webUpstream: () => ({ kind: 'forward' }),
      },
      limits: new ConnectionLimits({ maxTotal: 10, maxPerSource: 10, isWeb: () => false }),
      clientConnections: new ClientConnections(),
      logger,
      quietLog: new QuietLog({ logger, clock: { now: () => 0, wall: () => 0, sleep: async () => {} } }),
      connectMilliseconds: 1000,
      idleMilliseconds: 1000,
      closed: () => {},
    },
    waitingRoom: (client) => {
      client.end('waiting room')
      return true
    },
  })
}

const listenFor = (onConnection: (client: Socket) => void) =>
  listen({ host: proxyHost, port: 0, onConnection, onAcceptError: () => undefined })

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

test.each<{ port: number; role: Role; admitted: boolean }>([
  { port: 8843, role: 'guests', admitted: true },
  { port: 8843, role: 'management', admitted: false },
  { port: 8043, role: 'management', admitted: true },
  { port: 8043, role: 'devices', admitted: true },
  { port: 8043, role: 'guests', admitted: false },
  { port: 8088, role: 'guests', admitted: true },
  { port: 29814, role: 'devices', admitted: true },
  { port: 29814, role: 'guests', admitted: false },
])('a client of the role $role on port $port: $admitted', async ({ port, role, admitted }) => {
  const nobody: AccessPolicy = { admits: () => false, servedAddresses: () => [] }
  const portProxy = judgedBy(port, (asked) => (asked === role ? only('127.0.0.1') : nobody))
  const server = await listenFor((client) => portProxy.accept(client))
  later(() => server.close())
  later(() => portProxy.closeAll())
  const client = dial(portOf(server))
  client.socket.end()
  await soon(client.closed)
  expect(portProxy.counters.snapshot().refused.access).toBe(admitted ? 0 : 1)
})

test('a link-local client is judged with its interface, without which its address says nothing', async () => {
  const { port } = await controller((socket) => socket.write('hi'))
  const asked: unknown[] = []
  const access: AccessPolicy = {
    admits: (peer) => {
      asked.push(peer)
      return false
    },
    servedAddresses: () => [],
  }
  const linkLocal = { remoteAddress: 'fe80::7%vlan30', localAddress: 'fe80::1%vlan30' }
  const portProxy = judgedBy(port, () => access)
  const server = await listenFor((client) => {
    // Not every machine that runs this has IPv6.
    for (const [name, value] of Object.entries(linkLocal)) Object.defineProperty(client, name, { value })
    portProxy.accept(client)
  })
  later(() => server.close())
  expect(await soon(dial(portOf(server)).closed)).toBe('reset')
  expect(asked).toEqual([linkLocal])
})

test('a defect while one client is admitted costs that client only', async () => {
  const { port } = await controller((socket) => socket.write('hi'))
  let broken = true
  const access: AccessPolicy = {
    admits: () => {
      if (broken) throw new Error('a defect')
      return true
    },
    servedAddresses: () => [],
  }
  const { state, lines } = await startProxy({ ports: [port], access: () => access })
  expect(await soon(dial(port).closed)).toBe('reset')
  broken = false
  const next = dial(port)
  await waitFor(() => expect(next.received().toString()).toBe('hi'))
  expect(state().state).toBe('listening')
  expect(lines.some((line) => line.includes('a defect'))).toBe(true)
})
