import { expect, test } from 'vitest'
import {
  CidrSet,
  formatIpv4,
  type Ipv4Network,
  ipv4Broadcast,
  ipv4Contains,
  ipv4Overlaps,
  isCidr,
  parseIpv4,
  parseIpv4Network,
  plainAddress,
  sourceOf,
} from '../../src/core/cidr.ts'

function network(text: string): Ipv4Network {
  const parsed = parseIpv4Network(text)
  if (parsed === undefined) throw new Error(`${text} is no network`)
  return parsed
}

function address(text: string): number {
  const parsed = parseIpv4(text)
  if (parsed === undefined) throw new Error(`${text} is no address`)
  return parsed
}

test.each(['0.0.0.0', '10.129.81.10', '128.0.0.1', '255.255.255.255'])('%s is parsed and written back', (text) => {
  expect(formatIpv4(address(text))).toBe(text)
})

test.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.4/8', '01.2.3.4', '::1', 'host'])(
  '%j is no address',
  (text) => {
    expect(parseIpv4(text)).toBeUndefined()
  },
)

test.each([
  ['10.1.2.3/8', '10.0.0.0', '10.255.255.255'],
  ['192.168.1.77/26', '192.168.1.64', '192.168.1.127'],
  ['200.1.1.1/32', '200.1.1.1', '200.1.1.1'],
  ['200.1.1.1/0', '0.0.0.0', '255.255.255.255'],
])('%s reaches from %s to %s', (text, first, last) => {
  expect(formatIpv4(network(text).base)).toBe(first)
  expect(formatIpv4(ipv4Broadcast(network(text)))).toBe(last)
})

test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/-1', '10.0.0.0/8 ', 'fd00::/8', '/8'])(
  '%j is no IPv4 network',
  (text) => {
    expect(parseIpv4Network(text)).toBeUndefined()
  },
)

test('contains its own addresses only', () => {
  expect(ipv4Contains(network('200.0.0.0/24'), address('200.0.0.255'))).toBe(true)
  expect(ipv4Contains(network('200.0.0.0/24'), address('200.0.1.0'))).toBe(false)
  expect(ipv4Contains(network('0.0.0.0/0'), address('255.1.2.3'))).toBe(true)
})

test.each([
  ['10.0.0.0/8', '10.129.81.0/24', true],
  ['10.129.81.0/24', '10.129.0.0/16', true],
  ['10.129.81.0/25', '10.129.81.128/25', false],
  ['0.0.0.0/0', '1.2.3.4/32', true],
])('%s and %s overlap: %s', (a, b, expected) => {
  expect(ipv4Overlaps(network(a), network(b))).toBe(expected)
  expect(ipv4Overlaps(network(b), network(a))).toBe(expected)
})

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
])('%s is %s', (text, expected) => {
  expect(plainAddress(text)).toBe(expected)
})

test.each([
  ['10.0.0.0/8', true],
  ['fd00::/8', true],
  ['fd00::/129', false],
  ['10.0.0.0/33', false],
  ['10.0.0.0', false],
  ['eth0', false],
])('%s is a CIDR: %s', (text, expected) => {
  expect(isCidr(text)).toBe(expected)
})

test('a set takes both families, and mapped addresses by their own', () => {
  const set = new CidrSet(['192.0.2.0/24', '2001:db8::/32'])
  const inside = ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8:1::5']
  const outside = ['192.0.3.7', '::ffff:192.0.3.7', '2001:db9::5', '::192.0.2.7']
  expect(inside.filter((text) => !set.contains(text))).toEqual([])
  expect(outside.filter((text) => set.contains(text))).toEqual([])
  expect(new CidrSet([]).contains('192.0.2.7')).toBe(false)
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s counts as %s', (address, source) => {
  expect(sourceOf(address)).toBe(source)
})
