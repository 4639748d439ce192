import { expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const address = '10.77.10.1'
const host = systemdHost({ lans: { lan10: `${address}/24` } }, (opened) => opened.startAppliance())

const devices: Device[] = []
let neighbour: Outpost

/** Adopts a device that has announced itself; it connects to this address. */
async function adoptAt(device: Device, at = address): Promise<void> {
  expect(await adopt(host().operator, device)).toMatchObject({ address: at, port: 29814 })
}

const mainPid = async (unit: string) => (await host().machine.show(unit, 'MainPID')).MainPID
/** Its state as well: one that is being stopped lets its connections drain first, and is still the same process. */
const edge = () => host().machine.show(edgeUnit, 'MainPID', 'ActiveState')
const disconnects = () => devices.map((device) => device.count('disconnected'))
const informs = (device: Device) => Number(device.events('informed').at(-1)?.count ?? 0)

/** Every device informs again over what it holds. */
async function everyDeviceInforms(): Promise<void> {
  const before = devices.map(informs)
  await eventually(
    async () => devices.map(informs),
    (now) => now.every((count, index) => count > (before[index] ?? 0)),
  )
}

test('three devices that announce by broadcast, and one that was given the address, are adopted', async () => {
  for (const [last, kind, options] of [
    [11, 'ap', []],
    [12, 'switch', ['--broadcast', 'subnet']],
    [13, 'gateway', []],
    [14, 'ap', ['--inform', address]],
  ] as const) {
    const identity = { class: kind, mac: `AA-BB-CC-10-00-${last}`, name: `${kind}-${last}` }
    devices.push(await host().device('lan10', last, { ...identity, options }))
  }
  for (const device of devices) await adoptAt(device)
  await everyDeviceInforms()
  const seen = await eventually(
    async () => (await host().appliance.edgeState()).devices,
    (list) => list.filter((device) => device.adoption === 'connected').length === 4,
  )
  // As they are, not as a bridge shows them.
  expect(seen.map((device) => device.address).sort()).toEqual([11, 12, 13, 14].map((last) => `10.77.10.${last}`))
})

test('the phone app finds the controller', async () => {
  const app = await host().device('lan10', 15, { class: 'app', mac: 'AA-BB-CC-10-00-15', name: 'Phone' })
  expect(await app.event('answered', 30_000)).toMatchObject({ from: address, port: 27001 })
})

test('the web interface and the status page are served to the LAN', async () => {
  neighbour = await Outpost.open(host().ledger, await host().neighbour('lan10', 30))
  const get = (url: string) => neighbour.call('http', { url })
  expect((await get(`https://${address}:8043/login`)).status).toBe(200)
  expect((await get(`http://${address}:8090/readyz`)).status).toBe(200)
})

test('the host is killed: container, edge and every connection go on, and it comes back to what runs', async () => {
  const { machine, appliance } = host()
  const before = { container: await appliance.container(), edge: await edge(), disconnects: disconnects() }
  const killed = await mainPid(hostUnit)
  await machine.exec(['systemctl', 'kill', '--signal=KILL', hostUnit])
  await everyDeviceInforms()
  await eventually(
    () => machine.show(hostUnit, 'ActiveState', 'MainPID'),
    (unit) => unit.ActiveState === 'active' && unit.MainPID !== killed,
  )
  expect((await appliance.phase('ready')).phase).toBe('ready')
  await everyDeviceInforms()
  expect({ container: await appliance.container(), edge: await edge(), disconnects: disconnects() }).toEqual(before)
  expect((await machine.show(edgeUnit, 'NRestarts')).NRestarts).toBe('0')
})

test('the edge is killed: it serves again, container and host go on', async () => {
  const { machine, appliance } = host()
  const before = { container: await appliance.container(), host: await mainPid(hostUnit) }
  const killed = await mainPid(edgeUnit)
  await machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
  const started = performance.now()
  for (const url of [`http://${address}:8090/healthz`, `https://${address}:8043/login`]) {
    await eventually(
      () => neighbour.call('http', { url, deadlineMilliseconds: 5000 }),
      (answer) => answer.status === 200,
    )
  }
  const milliseconds = performance.now() - started
  console.log(`the edge serves again ${(milliseconds / 1000).toFixed(2)} s after it was killed`)
  expect(await mainPid(edgeUnit)).not.toBe(killed)
  // At once, without the growing delay of one that dies again and again: systemd's own word for the next time.
  const { NRestarts, RestartUSecNext } = await machine.show(edgeUnit, 'NRestarts', 'RestartUSecNext')
  expect({ NRestarts, RestartUSecNext }).toEqual({
    NRestarts: '1',
    RestartUSecNext: expect.stringMatching(/^[\d.]+ms$/),
  })
  for (const device of devices) await device.event('connected', 60_000, () => device.count('connected') > 1)
  await everyDeviceInforms()
  expect({ container: await appliance.container(), host: await mainPid(hostUnit) }).toEqual(before)
  expect((await machine.show(hostUnit, 'NRestarts')).NRestarts).toBe('1')
})

test('a restart of the service leaves the controller and every connection alone', async () => {
  const { appliance } = host()
  const before = { container: await appliance.container(), edge: await edge(), disconnects: disconnects() }
  const killed = await mainPid(hostUnit)
  expect(before.edge.ActiveState).toBe('active')
  expect((await appliance.systemctl('restart')).code).toBe(0)
  expect(await mainPid(hostUnit)).not.toBe(killed)
  await everyDeviceInforms()
  expect({ container: await appliance.container(), edge: await edge(), disconnects: disconnects() }).toEqual(before)
})

test('a network that comes, changes its address and goes, while the service runs', async () => {
  const { appliance, machine } = host()
  const served = async () =>
    (await appliance.edgeState()).discovery.listeners
      .filter((listener) => listener.state === 'listening' && listener.address.startsWith('10.77.20.'))
      .map((listener) => listener.address)
  await host().addLan('lan20', '10.77.20.1/24')
  await eventually(served, (addresses) => addresses.includes('10.77.20.1'))
  const barn = await host().device('lan20', 11, { class: 'ap', mac: 'AA-BB-CC-20-00-11', name: 'Barn' })
  await adoptAt(barn, '10.77.20.1')

  await machine.exec(['ip', 'address', 'delete', '10.77.20.1/24', 'dev', 'lan20'])
  await machine.exec(['ip', 'address', 'add', '10.77.20.2/24', 'brd', '+', 'dev', 'lan20'])
  await eventually(served, (addresses) => addresses.includes('10.77.20.2') && !addresses.includes('10.77.20.1'))
  const shed = await host().device('lan20', 12, { class: 'ap', mac: 'AA-BB-CC-20-00-12', name: 'Shed' })
  await adoptAt(shed, '10.77.20.2')

  await machine.exec(['ip', 'link', 'delete', 'lan20'])
  await eventually(served, (addresses) => addresses.length === 0)
  await everyDeviceInforms()
})
