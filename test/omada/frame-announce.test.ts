import { expect, test } from 'vitest'
import { factoryControllerId, parseAnnounce, parseMac } from '../../src/omada/announce.ts'
import type { Frame } from '../../src/omada/frame.ts'

const header = { mac: 'aa:bb:cc:00:00:01', type: 1, device: 'ap', timestamp: 1_700_000_000_000, ip: '192.0.2.9' }
const frame = (changes: { header?: object; body?: unknown }): Frame => ({
  header: { ...header, ...changes.header },
  body: changes.body ?? {},
})

test('an access point names its firmware and its controller in fields of its own', () => {
  const body = {
    deviceInfo: { ip: '192.0.2.7', model: 'EAP670', name: 'Lobby', firmwareVersion: '1.2.3', fwVer: 'no' },
    controllerSetting: { controllerId: factoryControllerId.toUpperCase() },
    controller: { id: 'other' },
  }
  expect(parseAnnounce(frame({ body }))).toEqual({
    mac: 'AA-BB-CC-00-00-01',
    class: 'ap',
    model: 'EAP670',
    name: 'Lobby',
    firmware: '1.2.3',
    address: '192.0.2.7',
    controllerId: factoryControllerId,
    timestamp: 1_700_000_000_000,
  })
})

test.each([
  ['switch', 'fw', 'other'],
  ['gateway', 'fw', 'other'],
  ['olt', 'long', 'other'],
  ['ap', 'long', 'setting'],
])('%s: firmware %s, controller %s', (device, firmware, controllerId) => {
  const body = {
    deviceInfo: { fwVer: 'fw', firmwareVersion: 'long' },
    controllerSetting: { controllerId: 'setting' },
    controller: { id: 'other' },
  }
  expect(parseAnnounce(frame({ header: { device }, body }))).toMatchObject({ class: device, firmware, controllerId })
})

test('another message, or one without a MAC address, is no announce', () => {
  expect(parseAnnounce(frame({ header: { type: 2 } }))).toBeUndefined()
  expect(parseAnnounce(frame({ header: { type: '1' } }))).toBeUndefined()
  expect(parseAnnounce(frame({ header: { mac: 'AA-BB-CC-00-00' } }))).toBeUndefined()
  expect(parseAnnounce(frame({ header: { mac: 7 } }))).toBeUndefined()
  expect(parseMac('AA-BB-CC-00-00-01-02')).toBeUndefined()
})

test('whatever is missing or of the wrong type is empty, absent or unknown', () => {
  const strange = frame({
    header: { device: null, timestamp: '5', ip: 'not an address' },
    body: { deviceInfo: { model: { toString: 'x' }, name: 5, ip: '300.1.1.1' }, controllerSetting: [] },
  })
  expect(parseAnnounce(strange)).toEqual({
    mac: 'AA-BB-CC-00-00-01',
    class: 'unknown',
    model: '',
    name: '',
    firmware: '',
    address: '',
  })
  expect(parseAnnounce(frame({ body: 'compressed', header: { timestamp: -1 } }))).toMatchObject({
    address: '192.0.2.9',
  })
  expect(parseAnnounce(frame({ header: { timestamp: 1e300 } }))).not.toHaveProperty('timestamp')
})

test('texts are bounded and lose what could disturb a terminal or a page', () => {
  const name = `\u001b[31mLob\u0000by\u202e\u2028\ud800\n${'x'.repeat(100_000)}`
  const announce = parseAnnounce(frame({ body: { deviceInfo: { name, model: '💡'.repeat(200) } } }))
  expect(announce?.name.startsWith('Lobby xxx')).toBe(true)
  expect(announce?.name.length).toBe(64)
  expect(announce?.model).toBe(`${'💡'.repeat(63)}…`)
})
