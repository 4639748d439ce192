import { beforeEach, expect, test } from 'vitest'
import { SeenDevices } from '../../../src/edge/discovery/seen-devices.ts'
import { maxStateLength } from '../../../src/ipc/client-request.ts'
import { type Announce, factoryControllerId } from '../../../src/omada/announce.ts'
import { FakeClock } from './support/fake-clock.ts'

const mac = 'AA-BB-CC-00-00-01'
let clock: FakeClock
let devices: SeenDevices
let connections: Map<string, { open: number; lastRefusal?: string }>
let omadacId: string | undefined

beforeEach(() => {
  clock = new FakeClock()
  connections = new Map()
  omadacId = 'OURS'
  devices = new SeenDevices({
    clock,
    dependencies: {
      omadacId: () => omadacId,
      managementConnections: (address) => connections.get(address) ?? { open: 0 },
    },
  })
})

function announce(changes: Partial<Announce> = {}, address = '192.0.2.7'): void {
  const base = { mac, class: 'ap', model: 'EAP670', name: 'Lobby', firmware: '1.2.3', address: '192.168.0.254' }
  devices.announced({ ...base, controllerId: factoryControllerId, timestamp: clock.wall(), ...changes }, address)
}

const first = () => devices.list()[0]

test('when the clock is set, the times shown stay as long ago as they were; they do not tremble with it', () => {
  announce()
  clock.advance(5000)
  const before = first()
  clock.setWall(clock.wall() + 900)
  expect(first()).toEqual(before)
  clock.setWall(Date.UTC(2030, 0, 1))
  expect(first()).toMatchObject({ firstSeen: '2029-12-31T23:59:55.000Z', lastSeen: '2029-12-31T23:59:55.000Z' })
})

test('of a device that is as it was the same object is told, and of one that changed another', () => {
  announce()
  announce({ mac: 'AA-BB-CC-00-00-02' }, '192.0.2.8')
  const told = () => Object.fromEntries(devices.list().map((device) => [device.mac.at(-1), device]))
  const before = told()
  clock.advance(5000)
  expect(told()['1']).toBe(before['1'])
  announce()
  expect(told()['1']).toMatchObject({ announces: 2 })
  expect(told()['2']).toBe(before['2'])
  clock.advance(61_000)
  expect(told()['2']).toMatchObject({ adoption: 'silent' })
  omadacId = factoryControllerId
  devices.adoptSent('AA-BB-CC-00-00-02')
  clock.advance(31_000)
  expect(told()['2']?.hint?.message).toMatch(/no connection from/)
  connections.set('192.0.2.8', { open: 0, lastRefusal: 'limit-total' })
  expect(told()['2']?.hint?.message).toMatch(/limit-total/)
  connections.set('192.0.2.8', { open: 1 })
  expect(told()['2']).toMatchObject({ adoption: 'connected' })
})

test('an announcing device is remembered with all that it tells', () => {
  announce()
  clock.advance(10_000)
  announce({ name: 'Lounge' })
  expect(devices.list()).toEqual([
    {
      mac,
      class: 'ap',
      model: 'EAP670',
      name: 'Lounge',
      firmware: '1.2.3',
      address: '192.0.2.7',
      announcedAddress: '192.168.0.254',
      ownership: 'factory',
      adoption: 'announcing',
      clockSkewSeconds: 0,
      firstSeen: '2026-01-02T03:04:05.000Z',
      lastSeen: '2026-01-02T03:04:15.000Z',
      announces: 2,
    },
  ])
})

test('ownership follows the controller id, and is unknown until this controller is known', () => {
  announce({ controllerId: 'ours' })
  expect(first()?.ownership).toBe('ours')
  announce({ controllerId: 'somebody' })
  expect(first()).toMatchObject({ ownership: 'other', hint: { message: expect.stringContaining('somebody') } })
  omadacId = undefined
  expect(first()?.ownership).toBe('unknown')
  expect(first()).not.toHaveProperty('hint')
})

test('announcing, adopt sent, connected; and still shown as connected when it has stopped announcing', () => {
  announce()
  devices.adoptSent(mac)
  expect(first()?.adoption).toBe('adopt-sent')
  connections.set('192.0.2.7', { open: 1 })
  expect(first()).toMatchObject({ adoption: 'connected', ownership: 'ours' })
  devices.observe()
  clock.advance(48 * 3600_000)
  devices.observe()
  expect(first()?.adoption).toBe('connected')
  connections.clear()
  expect(first()).toMatchObject({
    adoption: 'silent',
    hint: { message: expect.stringContaining('connection from 192.0.2.7') },
  })
})

test('a device that has stopped announcing is silent, not ready to adopt', () => {
  announce()
  clock.advance(60_000)
  expect(first()?.adoption).toBe('announcing')
  clock.advance(1)
  expect(first()?.adoption).toBe('silent')
  expect(first()).not.toHaveProperty('hint')
  announce()
  expect(first()?.adoption).toBe('announcing')
})

test('an adopted device that does not connect is stalled, with the likely cause', () => {
  announce()
  devices.adoptSent(mac)
  clock.advance(30_000)
  expect(first()?.adoption).toBe('adopt-sent')
  clock.advance(1)
  expect(first()).toMatchObject({
    adoption: 'stalled',
    hint: {
      message: 'it was asked to connect to TCP port 29814, but has not: no connection from 192.0.2.7 has arrived',
      remedy: expect.stringContaining('firewall'),
    },
  })
  connections.set('192.0.2.7', { open: 0, lastRefusal: 'not-allowed' })
  expect(first()?.hint?.message).toContain('refused here (not-allowed)')
  devices.adoptSent(mac)
  expect(first()?.adoption).toBe('adopt-sent')
})

test("a neighbour's connection from the same address is not taken for its own", () => {
  connections.set('192.0.2.7', { open: 1 })
  announce()
  announce({ mac: 'AA-BB-CC-00-00-02', controllerId: 'ours' })
  expect(devices.list().map((device) => [device.mac.at(-1), device.adoption])).toEqual(
    expect.arrayContaining([
      ['1', 'announcing'],
      ['2', 'connected'],
    ]),
  )
})

test('a device that was managed and comes back in factory state starts anew', () => {
  announce()
  devices.adoptSent(mac)
  connections.set('192.0.2.7', { open: 1 })
  devices.observe()
  expect(first()?.adoption).toBe('connected')
  announce()
  expect(first()?.adoption).toBe('announcing')
})

test('a clock too far off is told, in either direction', () => {
  announce({ timestamp: clock.wall() - 20_000 })
  expect(first()).not.toHaveProperty('hint')
  announce({ timestamp: clock.wall() - 61_550 })
  expect(first()).toMatchObject({ clockSkewSeconds: -61.5, hint: { message: expect.stringContaining('62 s behind') } })
  announce({ timestamp: clock.wall() + 61_000 })
  expect(first()?.hint?.message).toContain('61 s ahead')
  announce({ timestamp: Number.MAX_SAFE_INTEGER })
  expect(first()).not.toHaveProperty('clockSkewSeconds')
})

test('the table is bounded; connected devices stay, the longest silent gives way', () => {
  announce({ mac: 'connected', controllerId: 'ours' }, '192.0.2.99')
  connections.set('192.0.2.99', { open: 1 })
  announce({ mac: 'silent' })
  for (let device = 0; device < 20_000; device++) announce({ mac: `spoofed ${device}` })
  expect(devices.size).toBe(4096)
  expect(devices.has('connected')).toBe(true)
  expect(devices.has('silent')).toBe(false)
  expect(devices.has('spoofed 19999')).toBe(true)
})

test('a table full of what counts as connected costs no more time than any other', () => {
  let asked = 0
  const flooded = new SeenDevices({
    clock,
    dependencies: {
      omadacId: () => omadacId,
      managementConnections: () => {
        asked++
        return { open: 1 }
      },
    },
  })
  const base = { class: 'ap', model: '', name: '', firmware: '', address: '', controllerId: 'ours' }
  for (let device = 0; device < 5000; device++) flooded.announced({ ...base, mac: `spoofed ${device}` }, '192.0.2.7')
  expect(flooded.size).toBe(4096)
  expect(asked).toBeLessThanOrEqual(4096)
})

test('a table full of the longest texts is a state that can be read', () => {
  // Each is two UTF-16 units, or one that JSON escapes.
  const text = '\u{1F4A9}'.repeat(64)
  for (let device = 0; device < 4096; device++) {
    announce({
      mac: device.toString(16).padStart(17, '0'),
      class: text,
      model: text,
      name: text,
      firmware: text,
      address: 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255',
      controllerId: '"'.repeat(64),
    })
  }
  const length = JSON.stringify(devices.list()).length
  expect(length).toBeGreaterThan(4096 * 1000)
  expect(length).toBeLessThan(0.75 * maxStateLength)
})

test('a device silent for a day is forgotten', () => {
  announce()
  clock.advance(24 * 3600_000)
  devices.observe()
  expect(devices.size).toBe(1)
  clock.advance(1)
  devices.observe()
  expect(devices.size).toBe(0)
})

test('one that was connected for days is missed as well', () => {
  for (const last of [1, 2]) {
    announce({ mac: `AA-BB-CC-00-00-0${last}`, name: `AP ${last}`, controllerId: 'ours' }, `192.0.2.${last}`)
    connections.set(`192.0.2.${last}`, { open: 1 })
  }
  for (let hour = 0; hour < 72; hour += 1) {
    devices.observe()
    clock.advance(3600_000)
  }
  devices.observe()
  connections.delete('192.0.2.1')
  for (let second = 0; second < 700; second += 10) {
    clock.advance(10_000)
    devices.observe()
  }
  expect(devices.lost()).toEqual([{ name: 'AP 1', address: '192.0.2.1' }])
})

test('devices that were connected and do nothing for ten minutes are lost while others are connected', () => {
  const address = (last: number) => `192.0.2.${last}`
  for (const last of [1, 2, 3, 4]) {
    announce({ mac: `AA-BB-CC-00-00-0${last}`, name: `AP ${last}`, controllerId: 'ours' }, address(last))
    connections.set(address(last), { open: 1 })
  }
  devices.observe()
  const pass = (milliseconds: number) => {
    clock.advance(milliseconds)
    devices.observe()
  }
  connections.delete(address(1))
  pass(60_000)
  connections.delete(address(2))
  connections.delete(address(3))
  pass(500_000)
  // It looks for a controller: nothing is wrong with what it was told.
  announce({ mac: 'AA-BB-CC-00-00-03', controllerId: 'ours' }, address(3))
  pass(200_000)
  expect(devices.lost()).toEqual([
    { name: 'AP 2', address: address(2) },
    { name: 'AP 1', address: address(1) },
  ])
  connections.set(address(1), { open: 1 })
  pass(2000)
  expect(devices.lost()).toEqual([{ name: 'AP 2', address: address(2) }])
  // With none connected it is the controller, or the network, and not what one device was told.
  connections.clear()
  pass(11_000)
  expect(devices.lost()).toEqual([])
})
