import { createSocket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import type { Outcomes } from '../../../src/edge/discovery/outcomes.ts'
import type { Datagram } from '../../../src/edge/discovery/port-listeners.ts'
import type { Relay } from '../../../src/edge/discovery/relay.ts'
import type { SeenDevices } from '../../../src/edge/discovery/seen-devices.ts'
import { literalLookup } from '../../../src/network/udp-socket.ts'
import {
  announceOf,
  configFor,
  containerAddress,
  dependenciesFor,
  keepingLogger,
  local,
  SetAddresses,
  withoutListeners,
} from './support/edge.ts'
import { freePorts, Peer } from './support/peer.ts'
import { received } from './support/scene.ts'

let takeIn: (datagram: Datagram) => void
let relay: Relay
let outcomes: Outcomes
let discoveryPort: number
let lines: string[]
let devices: SeenDevices
let container: Peer | undefined
let skippedMilliseconds: number

beforeEach(async () => {
  container = undefined
  skippedMilliseconds = 0
  discoveryPort = (await freePorts(1))[0] ?? 0
})

afterEach(async () => {
  relay.close()
  await container?.close()
})

function build(options: { addresses?: SetAddresses; controllerAddress?: string } = {}): void {
  const { controllerAddress, ...changes } = options
  const kept = keepingLogger()
  lines = kept.lines
  const built = withoutListeners({
    config: configFor({ discovery: { ratePerSource: 100_000 } }),
    dependencies: dependenciesFor({
      ...changes,
      ...(controllerAddress === undefined ? {} : { controllerAddress: () => controllerAddress }),
    }),
    logger: kept.logger,
    clock: { ...systemClock, now: () => systemClock.now() + skippedMilliseconds },
  })
  takeIn = built.takeIn
  relay = built.relay
  devices = built.devices
  outcomes = built.outcomes
}

function receive(payload: Buffer | string, port = 5000): void {
  takeIn({
    payload: Buffer.from(payload),
    address: '127.0.0.9',
    port,
    discoveryPort,
    localAddress: '127.0.0.1',
  })
}

async function settled(expected: Record<string, number>): Promise<void> {
  await expect
    .poll(() => Object.fromEntries(Object.entries(outcomes.snapshot()).filter(([, count]) => count > 0)), {
      timeout: 10_000,
    })
    .toEqual(expected)
}

test('while nobody listens in the container every datagram is no-controller, and the first one after that arrives', async () => {
  build()
  for (let sent = 0; sent < 50; sent++) {
    receive(`lost ${sent}`)
    if (sent % 10 === 0) await delay(1)
  }
  await settled({ 'no-controller': 50 })
  // The refusals of before do not speak any more.
  skippedMilliseconds += 1600
  container = await Peer.open(containerAddress, discoveryPort)
  receive('arrives')
  await received(container, 1)
  await settled({ 'no-controller': 50, relayed: 1 })
  expect(lines.filter((line) => line.includes('does not take discovery datagrams'))).toHaveLength(1)
})

test('a refusal that is still pending on the socket swallows no datagram', async () => {
  build()
  receive('lost')
  // In the same turn: the session's socket has the refusal of the first datagram and has not been asked for it yet.
  const arrived: string[] = []
  const late = createSocket({ type: 'udp4', lookup: literalLookup }, (payload) => arrived.push(`${payload}`))
  late.bind(discoveryPort, containerAddress)
  receive('one')
  receive('two')
  await expect.poll(() => arrived, { timeout: 10_000 }).toEqual(expect.arrayContaining(['one', 'two']))
  await new Promise<void>((resolve) => late.close(resolve))
  expect(outcomes.snapshot()['send-failed']).toBe(0)
})

test('without the bridge nothing leaves this machine: the container has no address here', async () => {
  const addresses = new SetAddresses([local('127.0.0.1', 32)])
  build({ addresses })
  container = await Peer.open(containerAddress, discoveryPort)
  receive(announceOf())
  await settled({ 'no-controller': 1 })
  expect([relay.sessions.size, devices.size]).toEqual([0, 1])
  addresses.set([local('127.0.0.1', 32), { ...local('127.0.81.1', 24), interface: 'podman1' }])
  receive(announceOf({ seq: 2 }))
  await received(container, 1)
  await settled({ 'no-controller': 1, relayed: 1 })
})

test('a controller that no route leads to is no-controller at once', async () => {
  // The kernel refuses to connect a socket to a broadcast address, as it does without a route.
  build({ controllerAddress: '127.255.255.255' })
  receive('lost')
  expect(outcomes.snapshot()['no-controller']).toBe(1)
  expect(relay.sessions.size).toBe(0)
})

test('an answer for which no socket is open is counted as failed', async () => {
  build()
  container = await Peer.open(containerAddress, discoveryPort)
  receive('question')
  const [question] = await received(container, 1)
  await container.send('answer', question?.port ?? 0, question?.address ?? '')
  await settled({ relayed: 1, 'answer-send-failed': 1 })
})
