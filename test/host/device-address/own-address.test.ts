import { expect, test } from 'vitest'
import { deviceAddress, leadsHere, portalLeadsHere, type Ways } from '../../../src/host/device-address/own-address.ts'
import type { LocalAddress } from '../../../src/network/interfaces.ts'

const at = (name: string, address: string, more: Partial<LocalAddress> = {}): LocalAddress => ({
  ...{ interface: name, address, family: 'ipv4', prefix: 24, internal: false },
  ...more,
})

const ways = (more: Partial<Ways> = {}): Ways => ({
  configured: undefined,
  subnet: '10.129.81.0/24',
  served: [
    at('lo', '127.0.0.1', { internal: true }),
    at('omada0', '10.129.81.1'),
    at('lan0', '192.168.1.5'),
    at('lan0', 'fd00::5', { family: 'ipv6' }),
    at('lan1', '192.168.2.5'),
  ],
  connected: new Map(),
  towardsInternet: undefined,
  ...more,
})

test.each<[string, Partial<Ways>, string | undefined]>([
  ['is the first that is no loopback and not of the container', {}, '192.168.1.5'],
  ['is that of the default route', { towardsInternet: '192.168.2.5' }, '192.168.2.5'],
  [
    'is the one by which most are connected, before that',
    { towardsInternet: '192.168.2.5', connected: new Map([['192.168.1.5', 1]]) },
    '192.168.1.5',
  ],
  ['is never one on which no devices are served', { connected: new Map([['172.16.0.1', 9]]) }, '192.168.1.5'],
  ['is the configured one, whoever has it', { configured: '203.0.113.9' }, '203.0.113.9'],
  ['is not to be had of a machine without one', { served: [] }, undefined],
])('the address %s', (_, more, address) => {
  expect(deviceAddress(ways(more))).toBe(address)
})

test.each<[string, Partial<Ways>, boolean]>([
  ['192.168.2.5', {}, true],
  ['10.129.81.1', {}, false],
  ['10.129.81.10', {}, false],
  ['192.168.1.6', {}, false],
  ['192.168.2.5', { configured: '203.0.113.9' }, false],
  ['203.0.113.9', { configured: '203.0.113.9' }, true],
  ['omada.example.com', {}, true],
])('%s leads here with %j: %s', (address, more, leads) => {
  expect(leadsHere(address, ways(more))).toBe(leads)
})

test('guests may be told whatever their owner set, but nothing of the container', () => {
  expect(portalLeadsHere('192.168.9.5', ways())).toBe(true)
  expect(portalLeadsHere('203.0.113.9', ways())).toBe(true)
  expect(portalLeadsHere('portal.example.com', ways())).toBe(true)
  expect(portalLeadsHere('10.129.81.1', ways())).toBe(false)
  expect(portalLeadsHere('10.129.81.10', ways())).toBe(false)
})
