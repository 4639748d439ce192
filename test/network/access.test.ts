import { describe, expect, it } from 'vitest'
import { Emitter } from '../../src/core/emitter.ts'
import { networkAccess, unknownInterfaces } from '../../src/network/access.ts'
import type { LocalAddress } from '../../src/network/interfaces.ts'
import { Routing } from '../../src/network/routes.ts'

const local = (name: string, address: string, prefix = 24): LocalAddress => ({
  interface: name,
  address,
  family: address.includes(':') ? 'ipv6' : 'ipv4',
  prefix,
  internal: name === 'lo',
})

const addresses = {
  changed: new Emitter<readonly LocalAddress[]>(),
  list: (() => {
    const list = [
      local('lo', '127.0.0.1', 8),
      local('vlan10', '10.10.0.1'),
      local('vlan20', '10.20.0.1'),
      local('vlan30', '10.30.0.1'),
      local('vlan10', '2001:db8:10::1', 64),
      // VLANs of one card have its MAC address, and so one link-local address.
      local('vlan10', 'fe80::1', 64),
      local('vlan30', 'fe80::1', 64),
      local('vlan20', 'fe80::20', 64),
    ]
    return () => list
  })(),
}

/** A router behind vlan20 leads to 172.16.0.0/12; everything else goes out by vlan30. */
const routes = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'vlan30\t00000000\t0100001E\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'vlan20\t000010AC\tFE00140A\t0003\t0\t0\t0\t0000F0FF\t0\t0\t0',
].join('\n')

const clock = { now: () => 0, wall: () => 0, sleep: async () => {} }
const routing = new Routing({ addresses, clock, readRoutes: () => routes })

function access(list: 'any' | string[]) {
  return networkAccess({ list: () => list, routing })
}

describe('networkAccess', () => {
  it('admits everybody by default', () => {
    expect(access('any').admits({ localAddress: '10.30.0.1', remoteAddress: '203.0.113.9' })).toBe(true)
  })

  it.each([
    ['a client of the listed interface', '10.10.0.1', '10.10.0.7', true],
    ['a mapped client of the listed interface', '::ffff:10.10.0.1', '::ffff:10.10.0.7', true],
    ['an IPv6 client of the listed interface', '2001:db8:10::1', '2001:db8:10::7', true],
    ['a link-local client by its zone', 'fe80::1%vlan10', 'fe80::7%vlan10', true],
    ['a link-local client of another interface that has the same address', 'fe80::1%vlan30', 'fe80::7%vlan30', false],
    [
      "a client of another interface that took this machine's link-local address",
      'fe80::1%vlan30',
      'fe80::20%vlan30',
      false,
    ],
    ['this machine by a link-local address of its own', 'fe80::20%vlan20', 'fe80::20%vlan20', true],
    ['a broadcast from the listed interface', undefined, '10.10.0.7', true],
    ['a broadcast from another interface', undefined, '10.30.0.7', false],
    ['a client of another interface', '10.30.0.1', '10.30.0.7', false],
    ["a client of another interface that addresses the listed one's address", '10.10.0.1', '10.30.0.7', false],
    ["a client of the listed interface that addresses another one's address", '10.30.0.1', '10.10.0.7', false],
    ['a client behind an unlisted router', '10.10.0.1', '172.16.5.5', false],
    ['this machine by loopback', '127.0.0.1', '127.0.0.1', true],
    ['this machine by an address of its own', '10.30.0.1', '10.30.0.1', true],
  ])('with an interface: %s', (_, localAddress, remoteAddress, expected) => {
    expect(access(['vlan10']).admits({ localAddress, remoteAddress })).toBe(expected)
  })

  it('admits clients routed to by a listed interface', () => {
    expect(access(['vlan20']).admits({ localAddress: '10.20.0.1', remoteAddress: '172.16.5.5' })).toBe(true)
  })

  it('takes a network as a rule about clients, whatever they address', () => {
    const policy = access(['10.30.0.0/24', '2001:db8:99::/48'])
    expect(policy.admits({ localAddress: '10.10.0.1', remoteAddress: '10.30.0.7' })).toBe(true)
    expect(policy.admits({ localAddress: '10.10.0.1', remoteAddress: '2001:db8:99::1' })).toBe(true)
    expect(policy.admits({ localAddress: '10.10.0.1', remoteAddress: '10.10.0.7' })).toBe(false)
  })

  it("serves the listed interfaces' addresses, and all where a network is listed", () => {
    expect(
      access(['vlan20'])
        .servedAddresses()
        .map((one) => one.address),
    ).toEqual(['127.0.0.1', '10.20.0.1', 'fe80::20'])
    expect(access(['vlan20', '10.30.0.0/24']).servedAddresses()).toHaveLength(8)
  })
})

describe('Routing', () => {
  it('knows its own addresses, a link-local one on its own interface only', () => {
    expect(
      ['10.10.0.1', '::ffff:10.10.0.1', '127.0.0.1', 'fe80::20%vlan20', 'fe80::20'].map(routing.isOwn, routing),
    ).toEqual(Array(5).fill(true))
    expect(['10.10.0.2', 'fe80::20%vlan30', 'fe80::21%vlan20'].map(routing.isOwn, routing)).toEqual(
      Array(3).fill(false),
    )
    expect(routing.localsAt('fe80::1').map((one) => one.interface)).toEqual(['vlan10', 'vlan30'])
    expect(routing.localsAt('fe80::1%vlan30').map((one) => one.interface)).toEqual(['vlan30'])
  })

  it('takes the nearest of nested networks, follows the addresses, and takes a tunnel to everywhere for no network', () => {
    let list = [local('wide0', '10.0.0.1', 8), local('near0', '10.5.0.1', 16), local('tun0', '10.9.9.9', 0)]
    const moving = new Routing({ addresses: { ...addresses, list: () => list }, clock, readRoutes: () => '' })
    expect(['10.5.0.7', '10.6.0.7', '192.0.2.7'].map((remote) => moving.interfaceTowards(remote))).toEqual([
      'near0',
      'wide0',
      undefined,
    ])
    expect(moving.isOnLink('192.0.2.7')).toBe(false)
    list = [local('near0', '192.0.2.1')]
    expect(moving.isOnLink('192.0.2.7')).toBe(true)
    expect(moving.isOnLink('10.5.0.7')).toBe(false)
    expect(moving.isOwn('10.5.0.1')).toBe(false)
  })

  it('knows what is on a network of this machine and what only a route leads to', () => {
    expect(routing.isOnLink('10.20.0.200')).toBe(true)
    expect(routing.isOnLink('172.16.5.5')).toBe(false)
  })

  it.each([
    ['10.20.0.9', '10.20.0.1'],
    ['172.16.5.5', '10.20.0.1'],
    ['203.0.113.9', '10.30.0.1'],
    ['10.10.0.1', '10.10.0.1'],
    ['::ffff:10.10.0.3', '10.10.0.1'],
  ])('leads to %s by %s', (remote, expected) => {
    expect(routing.localAddressTowards(remote)?.address).toBe(expected)
  })

  it('goes by the routes that it knew while the table cannot be read', () => {
    let now = 0
    let table: () => string = () => routes
    const known = new Routing({ addresses, clock: { ...clock, now: () => now }, readRoutes: () => table() })
    expect(known.localAddressTowards('172.16.5.5')?.address).toBe('10.20.0.1')
    now = 60_000
    table = () => {
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    }
    expect(known.localAddressTowards('172.16.5.5')?.address).toBe('10.20.0.1')
    now = 120_000
    table = () => routes.replaceAll('vlan20', 'vlan10')
    expect(known.localAddressTowards('172.16.5.5')?.address).toBe('10.10.0.1')
  })
})

it('an interface that has no address is named once for each role, with what there is instead', () => {
  const access = { devices: ['lan0', 'lan9'], management: ['lan9', '192.0.2.0/24'], guests: 'any' } as const
  const faults = unknownInterfaces(access, ['lo', 'lan0', 'lan1', 'lan1'])
  expect(faults).toMatchObject([
    {
      instance: 'devices lan9',
      code: 'ACCESS_UNKNOWN_INTERFACE',
      message: expect.stringContaining('access.devices names'),
    },
    { instance: 'management lan9', remedy: 'correct access.management; interfaces with an address: lan0, lan1' },
  ])
  expect(faults).toHaveLength(2)
})
