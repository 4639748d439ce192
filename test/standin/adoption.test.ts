import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import {
  deviceOf,
  operator,
  type Running,
  type SimulatedRun,
  startController,
  startDevice,
  temporaryDirectory,
} from './support.ts'

const mac = 'AA-BB-CC-00-00-01'

async function pending(running: Running, which = mac): Promise<void> {
  await waitFor(async () => expect(await deviceOf(running.at('api'), which)).toMatchObject({ state: 'pending' }))
}

async function adopt(running: Running, run: SimulatedRun): Promise<void> {
  await pending(running)
  expect((await operator(running.at('api'), '/adopt', { mac })).status).toBe(202)
  await waitFor(() => expect(run.of('connected').length).toBe(1))
}

it.each(['ap', 'switch', 'gateway'] as const)(
  'takes a device of class %s to connected and hears its informs',
  async (deviceClass) => {
    const running = await startController()
    const run = await startDevice(running, { class: deviceClass })
    await adopt(running, run)
    await waitFor(() => expect(run.of('informed').length).toBeGreaterThan(2))
    const order = run.events.map(({ event }) => event).filter((event) => event !== 'announced')
    expect(order.slice(0, 5)).toEqual(['preAdopt', 'info', 'connecting', 'connected', 'informed'])
    const omadacId = '5f3a9d0c7b1e4862a0d4c9e8f7162b35'
    expect(run.of('preAdopt')).toEqual([
      expect.objectContaining({ from: '127.0.0.1', port: running.at('discovery'), adoptPort: running.at('managerV2') }),
    ])
    expect(run.of('connected')[0]).toMatchObject({ omadacId, mac })
    const seen = await deviceOf(running.at('api'), mac)
    expect(seen).toMatchObject({
      state: 'connected',
      class: deviceClass,
      connectedFrom: '127.0.0.1',
      controllerId: omadacId,
    })
    expect(seen?.informs).toBeGreaterThan(2)
  },
)

it('hears no more announces from a device that is connected', async () => {
  const running = await startController()
  const run = await startDevice(running)
  await adopt(running, run)
  const before = run.of('announced').length
  await waitFor(() => expect(run.of('informed').length).toBeGreaterThan(5))
  expect(run.of('announced').length).toBe(before)
})

it('refuses a wrong device account', async () => {
  const running = await startController()
  const run = await startDevice(running, { password: 'wrong' })
  await pending(running)
  await operator(running.at('api'), '/adopt', { mac })
  await waitFor(() => expect(run.of('connectFailed').length).toBeGreaterThan(0))
  expect(run.of('connectFailed')[0]).toMatchObject({ reason: 'the controller refuses the device account' })
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({
    state: 'adopt-failed',
    reason: 'the device account does not match',
  })
  expect(run.of('connected')).toEqual([])
})

it('lets a device that lost its connection come back', async () => {
  const running = await startController()
  const run = await startDevice(running)
  await adopt(running, run)
  run.device.disconnect()
  await waitFor(() => expect(run.of('connected').length).toBe(2))
  expect(run.of('disconnected')).toEqual([expect.objectContaining({ reason: 'cut by the test' })])
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'connected', connections: 2 })
})

it('remembers an adopted device over a restart, and the device finds it again', async () => {
  const directory = temporaryDirectory()
  const first = await startController({}, directory)
  const run = await startDevice(first)
  await adopt(first, run)
  await first.controller.stop()
  await waitFor(() => expect(run.of('disconnected').length).toBe(1))
  const again = {
    PORT_DISCOVERY: String(first.at('discovery')),
    PORT_MANAGER_V2: String(first.at('managerV2')),
  }
  const second = await startController(again, directory)
  await waitFor(() => expect(run.of('connected').length).toBe(2))
  expect(await deviceOf(second.at('api'), mac)).toMatchObject({ state: 'connected', name: 'Lobby', connections: 2 })
})

it('keeps what is connected while 29814 does not accept', async () => {
  const running = await startController()
  const run = await startDevice(running)
  await adopt(running, run)
  await operator(running.at('api'), '/faults', { management: 'closed' })
  const refused = await new Promise((resolve) => {
    const socket = connect(running.at('managerV2'), '127.0.0.1')
    socket.on('error', (error) => resolve('code' in error ? error.code : error))
    socket.on('connect', () => resolve('accepted'))
  })
  expect(refused).toBe('ECONNREFUSED')
  const informs = run.of('informed').length
  await waitFor(() => expect(run.of('informed').length).toBeGreaterThan(informs + 2))
  expect(run.of('disconnected')).toEqual([])
  await operator(running.at('api'), '/faults', { management: 'up' })
  run.device.disconnect()
  await waitFor(() => expect(run.of('connected').length).toBe(2))
})

it('tries again while it cannot connect, and announces itself anew when that was in vain', async () => {
  const running = await startController({ STANDIN_MANAGEMENT: 'closed' })
  const run = await startDevice(running, { announceMilliseconds: 200 })
  await pending(running)
  await operator(running.at('api'), '/adopt', { mac })
  await waitFor(() => expect(run.of('connectFailed').length).toBe(4))
  const waits = run.of('connectFailed').map((event) => Number(event.retrySeconds) * 1000)
  expect(waits).toEqual([40, 80, 160, 320])
  const announced = run.of('announced').length
  await waitFor(() => expect(run.of('announced').length).toBeGreaterThan(announced))
  expect(run.of('connecting').length).toBe(5)
})

it('follows the address that PRE_ADOPT names only when told to', async () => {
  const running = await startController({ STANDIN_NAME_ADDRESS: 'true', STANDIN_ADDRESS: '127.0.0.9' })
  const run = await startDevice(running, { followNamedAddress: true })
  await pending(running)
  await operator(running.at('api'), '/adopt', { mac })
  await waitFor(() => expect(run.of('connecting').length).toBeGreaterThan(0))
  expect(run.of('preAdopt')[0]).toMatchObject({ from: '127.0.0.1', named: '127.0.0.9' })
  expect(run.of('connecting')[0]).toMatchObject({ address: '127.0.0.9' })
  const other = await startDevice(running, { mac: 'AA-BB-CC-00-00-02' })
  await pending(running, 'AA-BB-CC-00-00-02')
  await operator(running.at('api'), '/adopt', { mac: 'AA-BB-CC-00-00-02' })
  await waitFor(() => expect(other.of('connected')[0]).toMatchObject({ address: '127.0.0.1' }))
})

it('drops the announces of a device whose clock is 25 s behind', async () => {
  const running = await startController()
  const run = await startDevice(running, { clockSkewSeconds: -25 })
  await waitFor(() => expect(run.of('announced').length).toBeGreaterThan(2))
  expect(await deviceOf(running.at('api'), mac)).toBeUndefined()
  const { body } = await operator(running.at('api'), '/stats')
  expect((body as { discovery: { stale: number } }).discovery.stale).toBeGreaterThan(0)
})
