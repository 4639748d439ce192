import { expect, test } from 'vitest'
import {
  deviceAddress,
  isInUse,
  leadsHere,
  portalLeadsHere,
  type Ways,
} from '../../../src/host/device-address/own-address.ts'
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
  own: [],
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
])('%s leads here with %j: %s', (address, more, leads) => {
  expect(leadsHere(address, ways(more))).toBe(leads)
})

test('guests may be told an address of this machine on which no devices are served, but not the container', () => {
  const own = [at('lan9', '192.168.9.5'), at('omada0', '10.129.81.1')]
  expect(portalLeadsHere('192.168.9.5', ways({ own }))).toBe(true)
  expect(portalLeadsHere('10.129.81.1', ways({ own }))).toBe(false)
  expect(portalLeadsHere('203.0.113.9', ways({ own }))).toBe(false)
  expect(portalLeadsHere('203.0.113.9', ways({ own, configured: '203.0.113.9' }))).toBe(true)
})

test('an address stays while any device is connected by it, and is given up when all are by another', () => {
  expect(isInUse('192.168.1.5', ways())).toBe(true)
  expect(
    isInUse(
      '192.168.1.5',
      ways({
        connected: new Map([
          ['192.168.1.5', 1],
          ['192.168.2.5', 9],
        ]),
      }),
    ),
  ).toBe(true)
  expect(isInUse('192.168.1.5', ways({ connected: new Map([['192.168.2.5', 9]]) }))).toBe(false)
})
