import { expect, test } from 'vitest'
import { newestDefaults } from '../../../src/config/kept-defaults.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { ApplianceError } from '../../../src/core/errors.ts'
import { Puller } from '../../../src/host/controller/puller.ts'
import { initialState } from '../../../src/host/controller/state.ts'
import { stepKindOf } from '../../../src/host/controller/steps.ts'
import { waitFor } from '../../support/wait-for.ts'
import { FakeEngine } from './fake-engine.ts'
import { appliance, forever, machine, silent, started } from './fixture.ts'

async function startThatFails(message: string): Promise<unknown> {
  const engine = new FakeEngine('x')
  engine.start = async () => {
    throw new ApplianceError({ code: 'ENGINE_REQUEST', message, remedy: 'see the engine' })
  }
  const config = configSchema.parse({})
  const common = { logger: silent, clock: systemClock }
  const context = {
    ...common,
    engine,
    config,
    machine,
    live: () => config,
    puller: new Puller({ ...common, architecture: 'amd64', onEvent: () => {} }),
    state: () => initialState,
    dispatch: () => {},
    remember: async () => {},
    alive: () => {},
    guard: async () => {},
    chosen: {},
    defaults: newestDefaults,
  }
  const step = { kind: 'start', container: 'c1', fresh: false } as const
  return stepKindOf(step)
    .execute(step, context, forever)
    .catch((error: unknown) => error)
}

const blocked =
  'netavark: aardvark-dns failed to start: Error starting server failed to bind udp listener on 10.129.81.1:53: IO error: Address already in use (os error 98)'

test.each([
  [blocked, 'PORT_IN_USE', 'bind-interfaces'],
  [
    'IPAM error: requested ip address 10.129.81.10 is already allocated to container ID 123',
    'NETWORK_MISMATCH',
    'controllerAddress',
  ],
  ['failed to set up container networking: Address already in use', 'NETWORK_MISMATCH', 'controllerAddress'],
  ['something else', 'ENGINE_REQUEST', 'see the engine'],
])('a start that fails with %j is told as %s', async (message, code, remedy) => {
  const error = await startThatFails(message)
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
  expect(error).toHaveProperty('remedy', expect.stringContaining(remedy))
})

test("where Podman's name server cannot have its port, our network is made anew without one", async () => {
  const { engine, name, history, reconciler, lifecycle } = appliance()
  engine.startFault = { code: 'ENGINE_REQUEST', message: blocked, remedy: '-' }
  const create = engine.createNetwork.bind(engine)
  // The first network is one of an older version.
  engine.createNetwork = async (spec, signal) => {
    if (engine.calls.includes('remove-network')) engine.startFault = undefined
    await create(spec, signal)
  }
  await reconciler.start(forever)
  await waitFor(() => expect(lifecycle()).toBe('starting'))
  await reconciler.stop()
  expect(engine.containers.get(name)?.status).toBe('running')
  expect(engine.calls).toEqual([
    ...['pull', 'create-network', 'create', 'start', 'remove', 'remove-network'],
    ...['create-network', 'create', 'start'],
  ])
  expect(history.filter((message) => message.includes('port 53'))).toHaveLength(1)
})

test.each([
  ['is not ours', {}],
  ['has others on it', { 'omada-host.version': '1' }],
])('a network that %s is left alone, and told of', async (_, labels) => {
  const { engine, name, reconciler, lifecycle, snapshots } = appliance()
  engine.networks.set('omada', { driver: 'bridge', subnet: '10.129.81.0/24', labels })
  engine.startFault = { code: 'ENGINE_REQUEST', message: blocked, remedy: '-' }
  engine.removeNetwork = async () => {
    throw new ApplianceError({ code: 'ENGINE_REQUEST', message: 'network is being used', remedy: '-' })
  }
  await reconciler.start(forever)
  await waitFor(() => expect(lifecycle()).toBe('failed'))
  await reconciler.stop()
  expect(snapshots.at(-1)?.reason).toMatchObject({
    code: 'PORT_IN_USE',
    remedy: expect.stringContaining('bind-interfaces'),
  })
  expect(engine.networks.has('omada')).toBe(true)
  expect(engine.containers.has(name)).toBe(false)
})

test('the fence stands before the container starts, for the network as the engine has it', async () => {
  const guarded: unknown[] = []
  const { engine, reconciler, lifecycle } = appliance({
    guard: async (network) => void guarded.push([network, ...engine.calls]),
  })
  const subnet = '10.129.81.0/24'
  engine.networks.set('omada', { driver: 'bridge', subnet, bridge: 'podman7', labels: {} })
  await reconciler.start(forever)
  await waitFor(() => expect(lifecycle()).toBe('starting'))
  expect(guarded).toEqual([[{ subnet, bridge: 'podman7' }, 'pull', 'create']])
  expect(reconciler.snapshot().network).toEqual({ subnet, bridge: 'podman7' })
})

test('without its fence the container is not started; it is as soon as there is one', async () => {
  let missing = true
  const { engine, clock, reconciler, lifecycle } = await started({
    guard: async () => {
      if (missing) throw new ApplianceError({ code: 'NFT_MISSING', message: 'no nft', remedy: 'install it' })
    },
  })
  await waitFor(() => expect(lifecycle()).toBe('failed'))
  expect(reconciler.snapshot().reason).toMatchObject({ code: 'NFT_MISSING' })
  expect(engine.calls).not.toContain('start')
  missing = false
  await clock.until(() => lifecycle() === 'starting', 100)
})

test('a network that the engine has given away already is told with one that is free', async () => {
  const { engine, reconciler, lifecycle, snapshots } = appliance()
  const message = 'subnet 10.129.81.0/24 is already used on the host or by another config'
  engine.createNetwork = async () => {
    throw new ApplianceError({ code: 'ENGINE_REQUEST', message, remedy: '-' })
  }
  await reconciler.start(forever)
  await waitFor(() => expect(lifecycle()).toBe('failed'))
  await reconciler.stop()
  expect(snapshots.at(-1)?.reason).toMatchObject({
    code: 'SUBNET_CLASH',
    message: expect.stringContaining(message),
    remedy: expect.stringContaining('set network.subnet to 10.211.81.0/24'),
  })
})
