import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { controllerLink } from '../../src/network/controller-link.ts'
import { Routing } from '../../src/network/routes.ts'
import { waitFor } from '../support/wait-for.ts'
import { local, SetAddresses } from './discovery/support/edge.ts'
import { Peer } from './discovery/support/peer.ts'
import { received, Scene } from './discovery/support/scene.ts'
import { controller, controllerHost, dial, later, soon, startProxy } from './proxy/support.ts'

test('without its bridge neither a datagram nor a connection leaves for the controller; with it both do', async () => {
  const loopback = local('127.0.0.1', 32)
  const addresses = new SetAddresses([loopback])
  const routing = new Routing({ addresses, clock: systemClock, readRoutes: () => '' })
  const controllerAddress = controllerLink({ address: () => controllerHost, routing })
  const scene = await Scene.start({ dependencies: { addresses, controllerAddress } })
  later(() => scene.close())
  const datagrams = await Peer.open(controllerHost, scene.discoveryPort)
  later(() => datagrams.close())
  let connections = 0
  const { port } = await controller((socket) => {
    connections++
    socket.write('hi')
  })
  const { state } = await startProxy({ ports: [port], controllerAddress })
  const device = await scene.device('127.0.0.9')

  await device.send('lost', scene.discoveryPort, '127.0.0.1')
  expect(await soon(dial(port).closed)).toBe('reset')
  await scene.settled({ 'no-controller': 1 })
  expect(state().refused['upstream-unreachable']).toBe(1)

  addresses.set([loopback, { ...local('127.0.0.3', 24), interface: 'podman1' }])
  await device.send('arrives', scene.discoveryPort, '127.0.0.1')
  await received(datagrams, 1)
  const client = dial(port)
  await waitFor(() => expect(client.received().toString()).toBe('hi'))
  // What was sent before would have come before.
  expect({ datagrams: datagrams.texts(), connections }).toEqual({ datagrams: ['arrives'], connections: 1 })
})
