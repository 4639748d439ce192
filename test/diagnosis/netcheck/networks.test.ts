import { expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { servedNetworks } from '../../../src/diagnosis/netcheck/networks.ts'
import type { LocalAddress } from '../../../src/network/interfaces.ts'

const at = (name: string, address: string, prefix = 24): LocalAddress => ({
  ...{ interface: name, address, prefix },
  family: address.includes(':') ? 'ipv6' : 'ipv4',
  internal: name === 'lo',
})

const addresses = [
  at('lo', '127.0.0.1', 8),
  at('vlan10', '10.0.10.1'),
  at('vlan10', 'fd00::1', 64),
  at('vlan20', '10.0.20.1', 25),
  at('omada', '10.129.81.1'),
  at('wg0', '10.0.99.1', 32),
  at('docker0', '172.17.0.1', 16),
  at('br-806dc49e44d0', '172.18.0.1', 16),
  at('podman1', '10.89.0.1'),
]

function served(access: object, config: object = {}) {
  const options = { addresses, clock: systemClock, readRoutes: () => '' }
  return servedNetworks(configSchema.parse({ access, ...config }), options)
}

test('anybody is served on every network but the loopback, bridges of containers and links without broadcasts', () => {
  expect(served({}).map(({ network }) => network)).toEqual([
    { interface: 'vlan10', address: '10.0.10.1', prefix: 24, broadcast: '10.0.10.255' },
    { interface: 'vlan20', address: '10.0.20.1', prefix: 25, broadcast: '10.0.20.127' },
  ])
})

test('each network has the ports of the roles that are served there', () => {
  const access = { devices: ['vlan10'], management: ['10.0.20.0/24'], guests: ['nosuch0'] }
  const ports = served(access).map(({ network, roles, ports: list }) => [
    ...[network.interface, [...roles].join()],
    ...list.map(({ protocol, port }) => `${protocol}/${port}`),
  ])
  const devices = [8043, 8044, 29_811, 29_812, 29_813, 29_814, 29_815, 29_816, 29_817].map((port) => `tcp/${port}`)
  expect(ports).toEqual([
    ['vlan10', 'devices', 'udp/27001', 'udp/29810', 'udp/19810', ...devices],
    ['vlan20', 'management', 'tcp/8088', 'tcp/8043', 'tcp/8090'],
  ])
})
