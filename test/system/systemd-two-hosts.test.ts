import { afterAll, expect, test } from 'vitest'
import type { Finding } from '../../src/diagnosis/finding.ts'
import { announcement } from '../standin/protocol/announce.ts'
import { encodeFrame } from '../standin/protocol/frame.ts'
import { factoryControllerId } from '../standin/protocol/messages.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit } from './support/installed-appliance.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'
import type { SystemdHost } from './support/systemd-host.ts'
import { Wire } from './support/wire.ts'

const [firstAddress, secondAddress] = ['10.77.10.1', '10.77.10.2']
const announcer = '10.77.10.30'
const mac = 'AA-BB-CC-22-00-11'

let wire: Wire
let neighbour: Outpost
let device: Device
/** When the second one was about to start. */
let began = Number.NaN

// Longer than the machine may pause between the two halves of an announce.
const config = { discovery: { duplicateWindowMilliseconds: 60_000 } }

// Two whole machines, each with a controller of its own, on one LAN.
const first = systemdHost({ lans: { lan10: `${firstAddress}/24` } }, (opened) => opened.startAppliance(config))
const second = systemdHost(
  () => ({ lans: { lan10: { of: first(), address: secondAddress } } }),
  async (opened) => {
    began = performance.now()
    await opened.startAppliance(config)
    wire = await Wire.tap(first().lan('lan10'), await first().neighbour('lan10', 29))
    neighbour = await Outpost.open(first().ledger, await first().neighbour('lan10', 30))
  },
)
const both = () => [first(), second()]

afterAll(() => neighbour?.close())

const page = async (address: string) => {
  const { body } = await neighbour.call('http', { url: `http://${address}:8090/` })
  return body.replace(/<(style|script).*?<\/\1>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ')
}
const warns = (text: string, address: string) =>
  text.includes(`nother omada-host is on the network of the devices, at ${address}:`) &&
  text.includes('OTHER_APPLIANCE')
const outcomes = async (host: SystemdHost) => (await host.appliance.edgeState()).discovery.outcomes
const netcheck = async (host: SystemdHost) => {
  const { code, stdout } = await host.appliance.command(['netcheck', '--json'], 120_000)
  return { code, findings: JSON.parse(stdout) as readonly Finding[] }
}

test('the page of each warns of the other one, and so does its status', async () => {
  for (const [host, address, other] of [
    [first(), firstAddress, secondAddress],
    [second(), secondAddress, firstAddress],
  ] as const) {
    await eventually(
      () => page(address),
      (text) => warns(text, other),
    )
    expect((await host.appliance.status()).warnings).toContainEqual(
      expect.objectContaining({ code: 'OTHER_APPLIANCE', message: expect.stringContaining(`at ${other}:`) }),
    )
    expect((await host.appliance.command(['status'])).stdout).toContain(`at ${other}:`)
    // It has asked, and heard the other one's question or answer; they do not keep each other busy.
    const { 'own-echo': asked, 'peer-probe': heard } = await outcomes(host)
    expect(asked).toBeGreaterThanOrEqual(1)
    expect(heard).toBeGreaterThanOrEqual(1)
    // Each asks every two minutes.
    expect(heard).toBeLessThanOrEqual(4 + 2 * Math.floor((performance.now() - began) / 120_000))
  }
})

test('an announce is relayed once by each, to its own controller, and nothing goes round', async () => {
  const announces = Array.from({ length: 25 }, (_, index) => {
    const identity = {
      class: 'ap',
      mac: 'AA-BB-CC-22-00-30',
      model: 'EAP670',
      name: 'Once',
      address: announcer,
    } as const
    return encodeFrame(announcement(identity, factoryControllerId, Date.now() + index, 1))
  })
  const received = async () => Promise.all(both().map(async ({ operator }) => (await operator.stats()).discovery))
  expect((await received()).map((counts) => counts.received)).toEqual([0, 0])
  const before = await Promise.all(both().map(outcomes))
  const quiet = await wire.datagrams()
  let relayed = 0
  for (const announce of announces) {
    const datagrams = ['255.255.255.255', '10.77.10.255'].map((to) => ({
      from: announcer,
      to,
      port: 29_810,
      base64: announce.toString('base64'),
    }))
    expect(await neighbour.call('send', { datagrams, perSecond: 100 })).toBe(2)
    relayed += 1
    // Each in its turn: by the time that both have read the next one they have read what the other made of this one.
    await eventually(received, (all) => all.every((counts) => counts.received >= relayed))
  }
  const passed = await wire.datagrams()
  console.log(`on the wire: ${passed.announces - quiet.announces} announces, ${passed.all - quiet.all} datagrams`)
  expect(passed.announces - quiet.announces).toBe(2 * announces.length)
  // Both may ask for others of their kind meanwhile, which takes a datagram and an answer each.
  expect(passed.all - quiet.all).toBeLessThanOrEqual(2 * announces.length + 4)
  for (const counts of await received()) expect(counts).toMatchObject({ received: announces.length, repeated: 0 })
  for (const [index, each] of both().entries()) {
    const grown = async () => {
      const counts = Object.entries(await outcomes(each))
      const since = counts.map(([name, count]) => [name, count - (before[index]?.[name] ?? 0)] as const)
      const { 'peer-probe': _, 'own-echo': __, ...rest } = Object.fromEntries(since.filter(([, count]) => count > 0))
      return rest
    }
    // What became of a datagram is decided a moment after it was sent on.
    await expect.poll(grown).toEqual({ relayed: announces.length, duplicate: announces.length })
  }
})

test('a device that one of them has adopted stays there', async () => {
  device = await first().device('lan10', 11, { class: 'ap', mac, name: 'Lobby', options: ['--broadcast', 'both'] })
  for (const { operator } of both()) {
    await eventually(
      () => operator.device(mac),
      (known) => known?.state === 'pending',
    )
  }
  expect(await adopt(first().operator, device)).toMatchObject({ address: firstAddress })
  // It loses its connection and announces itself again, to both, as the first one's.
  await first().machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
  await eventually(
    async () => device.events('connected'),
    (events) => events.length === 2,
    60_000,
  )
  expect(device.events('connected').map(({ address }) => address)).toEqual([firstAddress, firstAddress])
  expect(device.events('preAdopt').every(({ from }) => from === firstAddress)).toBe(true)
  expect(await first().operator.device(mac)).toMatchObject({ state: 'connected', connections: 2 })
  expect((await second().operator.device(mac))?.connections ?? 0).toBe(0)
  expect(await second().appliance.device(mac)).not.toMatchObject({ adoption: 'connected' })
})

test('netcheck names the other one, with one datagram', async () => {
  // Else it would wait for a broadcast: the device may have come back without one.
  await neighbour.call('send', {
    datagrams: [{ from: announcer, to: '255.255.255.255', port: 29_810, base64: '' }],
    perSecond: 100,
  })
  // The two ask each other, too, every two minutes: a netcheck that met with that is run again.
  const counted = async () => {
    const { 'peer-probe': before = 0 } = await outcomes(second())
    const told = await netcheck(first())
    return { ...told, heard: ((await outcomes(second()))['peer-probe'] ?? 0) - before }
  }
  const { code, findings } = await eventually(counted, ({ heard }) => heard === 1, 60_000)
  expect(code).toBe(1)
  expect(findings).toContainEqual({
    check: 'other omada-host',
    status: 'fail',
    code: 'OTHER_APPLIANCE',
    message: expect.stringMatching(/^another omada-host is on lan10, at 10\.77\.10\.2:/),
    remedy: expect.stringContaining('stop one of them'),
  })
})

test('when one is stopped, the other one warns no more; netcheck of the stopped one names who is left', async () => {
  const connections = device.count('connected')
  expect((await second().appliance.systemctl('stop')).code).toBe(0)
  await eventually(
    () => page(firstAddress),
    (text) => !text.includes('OTHER_APPLIANCE'),
  )
  expect((await first().appliance.edgeState()).discovery.peers).toEqual([])
  const { code, findings } = await netcheck(second())
  expect(code).toBe(1)
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: 'other omada-host',
      message: expect.stringContaining(`on lan10, at ${firstAddress}:`),
    }),
  )
  expect(findings[0]).toMatchObject({ check: 'appliance', status: 'unknown' })
  expect(device.count('connected')).toBe(connections)
})

test('as soon as it starts again, both warn', async () => {
  expect((await second().appliance.systemctl('start')).code).toBe(0)
  for (const [address, other] of [
    [firstAddress, secondAddress],
    [secondAddress, firstAddress],
  ] as const) {
    await eventually(
      () => page(address),
      (text) => warns(text, other),
    )
  }
  expect(device.events('disconnected')).toHaveLength(1)
})
