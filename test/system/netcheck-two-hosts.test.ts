import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { announceOf } from '../discovery/support/edge.ts'
import { NamespacePeer } from '../discovery/support/namespace-peer.ts'
import { eventually } from '../support/eventually.ts'
import { Lan } from '../support/lan.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'
import { EdgeHost } from './support/edge-host.ts'

const name = `on${process.pid}`
const config = { access: { devices: ['lan0', 'eth0'] } }
const [firstAddress, secondAddress] = ['10.77.0.1', '10.77.0.2']

let ledger: Ledger
let first: EdgeHost
let second: EdgeHost
let device: NamespacePeer

/** Two machines with this appliance on one network, and a device. The first one starts first. */
beforeAll(async () => {
  ledger = await Ledger.open('omada-host-netcheck-')
  first = await EdgeHost.make(ledger, { name: `${name}-a`, config })
  second = await EdgeHost.make(ledger, { name: `${name}-b`, config })
  const lan = await Lan.make(ledger, { name: 'lan0', host: first.namespace, address: `${firstAddress}/24` })
  await lan.plug(second.namespace, 2)
  const place = await Namespace.make(ledger, `${name}-dev`)
  await lan.plug(place, 7)
  device = await NamespacePeer.open(ledger, place)
  await first.start()
  await second.start()
})
afterAll(() => ledger?.close())

const peersOf = async (host: EdgeHost) => ((await host.state()).discovery.peers ?? []).map(({ address }) => address)
const outcomesOf = async (host: EdgeHost) => (await host.state()).discovery.outcomes

test('each knows of the other as soon as the second has started, and warns of it', async () => {
  await eventually(
    () => peersOf(first),
    (peers) => peers.join() === secondAddress,
  )
  await eventually(
    () => peersOf(second),
    (peers) => peers.join() === firstAddress,
  )
  expect((await first.state()).warnings).toContainEqual(
    expect.objectContaining({ code: 'OTHER_APPLIANCE', message: expect.stringContaining(`at ${secondAddress}:`) }),
  )
})

test('a device is relayed once by each, to its own controller, and nothing goes round', async () => {
  const payload = announceOf({ seq: 1 })
  for (const address of ['255.255.255.255', '10.77.0.255']) await device.send(payload, 29_810, address)
  await eventually(
    async () => [first, second].map((host) => host.controller.received.length),
    ([a, b]) => a === 1 && b === 1,
  )
  const total = async () => {
    const all = await Promise.all([first, second].map(outcomesOf))
    return all.flatMap((outcomes) => Object.values(outcomes)).reduce((sum, count) => sum + count, 0)
  }
  await delay(1000)
  const before = await total()
  await delay(3000)
  expect(await total()).toBe(before)
  // Of the second one's start the first has its probe, of the first one's the second has its answer; each its own echo.
  expect(await outcomesOf(first)).toMatchObject({ relayed: 1, duplicate: 1, 'peer-probe': 1, 'own-echo': 1 })
  expect(await outcomesOf(second)).toMatchObject({ relayed: 1, duplicate: 1, 'peer-probe': 1, 'own-echo': 1 })
  expect([first, second].map((host) => host.controller.received.length)).toEqual([1, 1])
  expect(device.received).toEqual([])
})

test('netcheck names the other one, with one datagram', async () => {
  const before = await outcomesOf(second)
  const { code, findings } = await first.netcheck()
  expect(code).toBe(1)
  expect(findings).toContainEqual({
    check: 'other omada-host',
    status: 'fail',
    message: expect.stringMatching(/^\[OTHER_APPLIANCE\] another omada-host is on lan0, at 10\.77\.0\.2:/),
    remedy: expect.stringContaining('stop one of them'),
  })
  expect((await outcomesOf(second))['peer-probe']).toBe((before['peer-probe'] ?? 0) + 1)
  expect([first, second].map((host) => host.controller.received.length)).toEqual([1, 1])
})

test('it is named as well by a machine whose own appliance does not run', async () => {
  await second.stop()
  const { code, findings } = await second.netcheck()
  expect(code).toBe(1)
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: 'other omada-host',
      message: expect.stringContaining(`on eth0, at ${firstAddress}:`),
    }),
  )
  expect(findings[0]).toMatchObject({ check: 'appliance', status: 'unknown' })
})
