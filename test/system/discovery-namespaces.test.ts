import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { announceOf, preAdoptOf } from '../edge/discovery/support/edge.ts'
import { NamespacePeer, NamespaceRelay } from '../edge/discovery/support/namespace-peer.ts'
import { Lan } from '../support/lan.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'

const name = `od${process.pid}`
const containerAddress = '10.129.81.10'
const patience = { timeout: 20_000 }

let ledger: Ledger
let host: Namespace
let container: Namespace
let controller: NamespacePeer
let device10: NamespacePeer
let device20: NamespacePeer
let relay: NamespaceRelay
let before: Readonly<Record<string, number>>
let sequence = 0

beforeAll(async () => {
  ledger = await Ledger.open('omada-host-discovery-')
  host = await Namespace.make(ledger, `${name}-host`)
  container = await Namespace.make(ledger, `${name}-ctl`)
  const bridge = await Lan.make(ledger, { name: 'omada', host, address: '10.129.81.1/24' })
  await bridge.plug(container, 10)
  device10 = await device('lan10', '192.168.10.1/24')
  device20 = await device('lan20', '192.168.20.1/24')
  controller = await NamespacePeer.open(ledger, container, '0.0.0.0', 29_810)
  // Longer than the machine may pause between the two halves of an announce.
  relay = await NamespaceRelay.start(ledger, host, { discovery: { duplicateWindowMilliseconds: 60_000 } })
})

afterAll(() => ledger?.close())

beforeEach(async () => {
  // Each test ends when all that it sent is counted.
  before = await relay.outcomes()
  for (const peer of [controller, device10, device20]) peer.received.length = 0
  await controller.reply(undefined)
})

/** A device on a LAN of its own, its address ending in 7. */
async function device(lanName: string, address: string): Promise<NamespacePeer> {
  const lan = await Lan.make(ledger, { name: lanName, host, address })
  const namespace = await Namespace.make(ledger, `${name}-${lanName}`)
  await lan.plug(namespace, 7)
  return NamespacePeer.open(ledger, namespace)
}

function announce(): Buffer {
  sequence += 1
  return announceOf({ seq: sequence })
}

/** All but the echoes of its own question for others of its kind, which it asks when it likes. */
const outcomes = async () => {
  const { 'own-echo': _, ...others } = await relay.outcomes(before)
  return others
}

test('an announce to both broadcast addresses reaches the controller once; the answer comes from the LAN address', async () => {
  await controller.reply(preAdoptOf({ host: containerAddress }))
  const payload = announce()
  await device10.send(payload, 29_810, '255.255.255.255')
  await device10.send(payload, 29_810, '192.168.10.255')
  await expect.poll(outcomes, patience).toEqual({ relayed: 1, duplicate: 1, answered: 1 })
  expect(controller.received.map((datagram) => datagram.payload)).toEqual([payload])
  await expect.poll(() => device10.received.length, patience).toBe(1)
  expect(device10.received[0]).toEqual({
    payload: preAdoptOf({ host: '192.168.10.1' }),
    address: '192.168.10.1',
    port: 29_810,
  })
  expect((await relay.state()).seen[0]).toMatchObject({ address: '192.168.10.7', adoption: 'adopt-sent' })
})

test('a broadcast from each VLAN is answered from the address on that VLAN', async () => {
  await controller.reply(Buffer.from('here'))
  await device10.send(announce(), 29_810, '255.255.255.255')
  await device20.send(announce(), 29_810, '192.168.20.255')
  await expect
    .poll(() => [device10, device20].map((peer) => peer.received[0]?.address), patience)
    .toEqual(['192.168.10.1', '192.168.20.1'])
  await expect.poll(outcomes, patience).toEqual({ relayed: 2, answered: 2 })
})

test("a device that addresses the other VLAN's address is answered from that one, port 29810", async () => {
  await controller.reply(preAdoptOf({ host: containerAddress }))
  await device20.send(announce(), 29_810, '192.168.10.1')
  await expect
    .poll(() => device20.received, patience)
    .toEqual([{ payload: preAdoptOf({ host: '192.168.10.1' }), address: '192.168.10.1', port: 29_810 }])
  await expect.poll(outcomes, patience).toEqual({ relayed: 1, answered: 1 })
})

test('what comes from the container itself goes nowhere', async () => {
  const echo = await NamespacePeer.open(ledger, container)
  await echo.send('loop', 29_810, '10.129.81.255')
  await echo.send('loop', 29_810, '10.129.81.1')
  await expect.poll(outcomes, patience).toEqual({ 'from-container': 2 })
  await echo.close()
  expect(controller.received.filter((datagram) => datagram.address === '10.129.81.1')).toEqual([])
})

test('a container that does not listen is no-controller for every datagram, although the kernel tells of a few only', async () => {
  await controller.close()
  for (let sent = 0; sent < 60; sent++) {
    await device10.send(announce(), 29_810, '192.168.10.1')
    await delay(5)
  }
  await expect.poll(outcomes, patience).toEqual({ 'no-controller': 60 })
  controller = await NamespacePeer.open(ledger, container, '0.0.0.0', 29_810)
  // How long one refusal speaks: see Settlement.
  await delay(1600)
  await device10.send(announce(), 29_810, '192.168.10.1')
  await expect.poll(outcomes, patience).toEqual({ 'no-controller': 60, relayed: 1 })
  expect(controller.received).toHaveLength(1)
})

test('addresses and interfaces that come and go are served and left', async () => {
  const always = ['*', '127.0.0.1', '192.168.10.1', '192.168.20.1']
  await expect.poll(() => relay.listening(), patience).toEqual(always)
  await host.run(['ip', 'address', 'add', '192.168.21.1/24', 'brd', '+', 'dev', 'lan20'])
  await expect.poll(() => relay.listening(), patience).toEqual([...always, '192.168.21.1'])
  await controller.reply(Buffer.from('here'))
  await device20.send(announce(), 29_810, '192.168.21.1')
  await expect.poll(() => device20.received[0]?.address, patience).toBe('192.168.21.1')
  await host.run(['ip', 'address', 'delete', '192.168.21.1/24', 'dev', 'lan20'])
  await expect.poll(() => relay.listening(), patience).toEqual(always)

  const device30 = await device('lan30', '192.168.30.1/24')
  await expect.poll(() => relay.listening(), patience).toEqual([...always, '192.168.30.1'])
  await device30.send(announce(), 29_810, '255.255.255.255')
  await expect.poll(() => device30.received[0]?.address, patience).toBe('192.168.30.1')
  await host.run(['ip', 'link', 'delete', 'lan30'])
  await expect.poll(() => relay.listening(), patience).toEqual(always)
  await expect.poll(outcomes, patience).toEqual({ relayed: 2, answered: 2 })
})

test('an error that the kernel reports on a listening socket costs no datagram', async () => {
  await controller.reply(Buffer.from('here'))
  // Where the kernel lacks CONFIG_INET_DIAG_DESTROY this reports nothing.
  await host.run(['ss', '--kill', '--udp', '--all', 'sport', '=', ':29810'])
  await device10.send(announce(), 29_810, '192.168.10.1')
  await device20.send(announce(), 29_810, '255.255.255.255')
  await expect
    .poll(() => [device10, device20].map((peer) => peer.received[0]?.address), patience)
    .toEqual(['192.168.10.1', '192.168.20.1'])
  await expect.poll(outcomes, patience).toEqual({ relayed: 2, answered: 2 })
})

test("the address of this machine changes: the device's next announce is answered from the new one", async () => {
  await controller.reply(preAdoptOf({ host: containerAddress }))
  await host.run(['ip', 'address', 'add', '192.168.10.2/24', 'brd', '+', 'dev', 'lan10'])
  await host.run(['ip', 'address', 'delete', '192.168.10.1/24', 'dev', 'lan10'])
  // Deleting a primary address takes its secondaries along, unless the kernel promotes them.
  await host.run(['ip', 'address', 'replace', '192.168.10.2/24', 'brd', '+', 'dev', 'lan10'])
  await expect.poll(() => relay.listening(), patience).toEqual(['*', '127.0.0.1', '192.168.10.2', '192.168.20.1'])
  await device10.send(announce(), 29_810, '255.255.255.255')
  await expect
    .poll(() => device10.received, patience)
    .toEqual([{ payload: preAdoptOf({ host: '192.168.10.2' }), address: '192.168.10.2', port: 29_810 }])
  await expect.poll(outcomes, patience).toEqual({ relayed: 1, answered: 1 })
})

test('without the bridge every datagram is no-controller at once, and relayed again when it is back', async () => {
  await host.run(['ip', 'address', 'delete', '10.129.81.1/24', 'dev', 'omada'])
  await expect
    .poll(async () => {
      await device20.send(announce(), 29_810, '192.168.20.1')
      return (await outcomes())['no-controller'] ?? 0
    }, patience)
    .toBeGreaterThan(0)
  await host.run(['ip', 'address', 'add', '10.129.81.1/24', 'brd', '+', 'dev', 'omada'])
  await expect
    .poll(async () => {
      await device20.send(announce(), 29_810, '192.168.20.1')
      return controller.received.length
    }, patience)
    .toBeGreaterThan(0)
})
