import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { PortListeners } from '../../../src/edge/discovery/port-listeners.ts'
import { waitFor } from '../../support/wait-for.ts'
import { configFor, dependenciesFor, discoveryFor, keepingLogger, local, SetAddresses } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'
import { freePorts, Peer } from './support/peer.ts'
import { received, Scene } from './support/scene.ts'

const closing: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function scene(options: Parameters<typeof Scene.start>[0] = {}): Promise<Scene> {
  const started = await Scene.start(options)
  closing.push(() => started.close())
  return started
}

test('every port listens on each served address and on the wildcard', async () => {
  const { discovery, discoveryPort, appPort } = await scene()
  const listener = (port: number, address: string) => ({ protocol: 'udp', address, port, state: 'listening' })
  expect(discovery.state().listeners).toEqual(
    [discoveryPort, appPort].flatMap((port) =>
      ['127.0.0.1', '127.0.1.1', '*'].map((address) => listener(port, address)),
    ),
  )
})

test('IPv6 addresses and the bridge are left out; with loopback alone broadcasts are still served, with a warning', async () => {
  const addresses = new SetAddresses([
    { ...local('127.0.0.1'), internal: true },
    { ...local('::1'), family: 'ipv6', internal: true },
    { ...local('127.0.81.1', 24), interface: 'podman1' },
  ])
  const clock = new FakeClock()
  const running = await scene({ clock, dependencies: { addresses } })
  expect(running.discovery.state().listeners.map(({ address }) => address)).toEqual([
    '127.0.0.1',
    '*',
    '127.0.0.1',
    '*',
  ])
  // An interface may be without an address for a moment.
  expect(running.warnings()).toEqual([])
  clock.advance(5000)
  expect(running.warnings()).toMatchObject([{ message: expect.stringContaining('only broadcasts') }])
  addresses.set([{ ...local('127.0.0.1'), internal: true }, local('127.0.1.1')])
  await waitFor(() => expect(running.warnings()).toEqual([]))
})

test('addresses that come and go are followed, and answers stay right', async () => {
  const running = await scene()
  const { discovery, dependencies, discoveryPort } = running
  await running.controller((datagram) => datagram.payload)
  dependencies.addresses.set([local('127.0.1.1'), local('127.0.2.1')])
  const listening = () =>
    discovery
      .state()
      .listeners.filter((listener) => listener.port === discoveryPort)
      .map((listener) => listener.address)
      .sort()
  await expect.poll(listening).toEqual(['*', '127.0.1.1', '127.0.2.1'])
  const device = await running.device('127.0.0.9')
  await device.send('new', discoveryPort, '127.0.2.1')
  expect((await received(device, 1))[0]?.address).toBe('127.0.2.1')
})

test('a port that another process holds is named, keeps no other port from serving, and is served once it is free', async () => {
  const [taken = 0, free = 0] = await freePorts(2)
  const holder = await Peer.open('127.0.0.1', taken)
  const { logger, lines } = keepingLogger()
  const discovery = discoveryFor({
    config: configFor({ discovery: { ports: [taken, free] } }),
    dependencies: dependenciesFor(),
    logger,
  })
  closing.push(() => discovery.stop())
  await discovery.start(AbortSignal.timeout(10_000))
  const statesOf = (port: number) =>
    discovery
      .state()
      .listeners.filter((listener) => listener.port === port)
      .map((listener) => listener.state)
  expect(statesOf(taken)).toEqual(['failed', 'failed', 'failed'])
  expect(statesOf(free)).toEqual(['listening', 'listening', 'listening'])
  expect(discovery.state().listeners[0]?.reason).toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`${taken}`),
    remedy: expect.stringContaining('ss -lunp'),
  })
  await holder.close()
  await expect.poll(() => statesOf(taken), { timeout: 10_000 }).toEqual(['listening', 'listening', 'listening'])
  expect(lines.filter((line) => line.includes('PORT_IN_USE'))).toHaveLength(1)
  expect(lines.filter((line) => line.includes('is served now'))).toHaveLength(1)
})

test.each([
  ['SO_REUSEADDR', { reuseAddr: true }],
  ['SO_REUSEPORT', { reusePort: true }],
])('a holder that shares its port by %s is noticed too', async (_option, sharing) => {
  const [port = 0] = await freePorts(1)
  const holder = createSocket({ type: 'udp4', ...sharing })
  closing.push(() => new Promise<void>((resolve) => holder.close(resolve)))
  holder.bind(port, '0.0.0.0')
  await once(holder, 'listening')
  const listeners = new PortListeners({
    port,
    logger: keepingLogger().logger,
    clock: systemClock,
    onDatagram: () => {},
  })
  closing.push(() => listeners.close())
  await listeners.follow(['127.0.0.1'])
  expect(listeners.state().map((listener) => listener.reason?.code)).toEqual(['PORT_IN_USE', 'PORT_IN_USE'])
})

test('an address that is not ours fails by itself and is tried again', async () => {
  const [port = 0] = await freePorts(1)
  const listeners = new PortListeners({
    port,
    logger: keepingLogger().logger,
    clock: systemClock,
    onDatagram: () => {},
  })
  closing.push(() => listeners.close())
  await listeners.follow(['192.0.2.1', '127.0.0.1'])
  expect(listeners.state()).toMatchObject([
    { address: '192.0.2.1', state: 'failed', reason: { code: 'PORT_FAILED' } },
    { address: '127.0.0.1', state: 'listening' },
    { address: '*', state: 'listening' },
  ])
})

test('stop frees the ports, may be called twice, and after a start that was cancelled', async () => {
  const { discovery, discoveryPort } = await scene()
  await discovery.stop()
  await discovery.stop()
  expect(discovery.state().listeners.map((listener) => listener.state)).toEqual(['closed', 'closed'])
  await (await Peer.open('0.0.0.0', discoveryPort)).close()

  const cancelled = discoveryFor({ config: configFor({ discovery: { ports: [discoveryPort] } }) })
  await expect(cancelled.start(AbortSignal.abort())).rejects.toThrow()
  await cancelled.stop()
  await (await Peer.open('0.0.0.0', discoveryPort)).close()
})

test('addresses that another list of access.devices serves are listened on, too', async () => {
  const clock = new FakeClock()
  const addresses = new SetAddresses([local('127.0.0.1'), local('127.0.1.1')])
  let served = [local('127.0.0.1')]
  const access = { admits: () => true, servedAddresses: () => served }
  const { discovery, discoveryPort } = await scene({ clock, dependencies: { addresses, access } })
  const listening = () =>
    discovery.state().listeners.flatMap(({ address, port }) => (port === discoveryPort ? [address] : []))
  expect(listening()).toEqual(['127.0.0.1', '*'])
  served = [local('127.0.1.1')]
  await waitFor(() => {
    clock.advance(2000)
    expect(listening().sort()).toEqual(['*', '127.0.1.1'])
  })
})
