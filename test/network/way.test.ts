import { describe, expect, test } from 'vitest'
import {
  bridgeLacksRoute,
  type ContainerWay,
  parseRoutingRules,
  parseWay,
  type RoutingRule,
  wrongWay,
} from '../../src/network/way.ts'

const network = { name: 'omada', subnet: '10.129.81.0/24', controllerAddress: '10.129.81.10' }
const bridge = 'br-omada'

/** As iproute2 6.1 writes them. */
const usual = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32_766, src: 'all', table: 'main' },
  { priority: 32_767, src: 'all', table: 'default' },
]
const rules = (...more: object[]) => parseRoutingRules(JSON.stringify([...usual, ...more]))
const vpn = { priority: 32_765, not: null, src: 'all', fwmark: '0xca6c', table: '51820' }
/** As wg-quick(8) sets it before its own. */
const mainButDefault = { priority: 32_764, src: 'all', table: 'main', suppress_prefixlen: 0 }

const byMain = { interface: 'eth0', table: undefined, route: 'default' }
const byVpn = { interface: 'wg0', table: '51820', route: 'default' }
const judged = (way: ContainerWay['way'], bridgeThere: boolean, of: readonly RoutingRule[]) =>
  wrongWay(network, { bridge, bridgeThere, way, rules: of })

test.each([
  [
    '[{"dst":"10.129.81.0/24","dev":"br-omada","protocol":"kernel","scope":"link","prefsrc":"10.129.81.1","flags":[]}]',
    { interface: 'br-omada', table: undefined, route: '10.129.81.0/24' },
  ],
  ['[{"dst":"default","dev":"wg0","table":"51820","scope":"link","flags":[]}]', byVpn],
  ['[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]}]', byMain],
  [
    '[{"type":"unreachable","dst":"default","dev":"lo","table":7,"flags":[]}]',
    { interface: undefined, table: '7', route: 'default' },
  ],
  [
    '[{"type":"local","dst":"10.129.81.10","dev":"lo","table":"local"}]',
    { interface: 'lo', table: 'local', route: '10.129.81.10' },
  ],
])('what ip(8) says of a way: %s', (text, way) => {
  expect(parseWay(text)).toEqual(way)
})

test.each(['', '{}', '[]', '[{"dev":"eth0"}]', '[{"dst":7}]'])('what is no way is an error: %j', (text) => {
  expect(() => parseWay(text)).toThrow()
})

test('rules come in their order, with what they are for', () => {
  expect(rules(vpn, { priority: 100, src: 'all', dst: '10.129.0.0', dstlen: 16, table: 'main' })).toEqual([
    { priority: 0, table: 'local', destination: undefined, narrowed: false, suppressed: -1 },
    { priority: 100, table: 'main', destination: { base: 0x0a810000, prefix: 16 }, narrowed: false, suppressed: -1 },
    { priority: 32_765, table: '51820', destination: undefined, narrowed: true, suppressed: -1 },
    { priority: 32_766, table: 'main', destination: undefined, narrowed: false, suppressed: -1 },
    { priority: 32_767, table: 'default', destination: undefined, narrowed: false, suppressed: -1 },
  ])
})

describe('while the bridge is there', () => {
  test('its own way is right', () => {
    expect(judged({ interface: bridge, table: undefined, route: '10.129.81.0/24' }, true, [])).toBeUndefined()
  })

  test("a VPN's rule is named, with the command that goes before it", () => {
    expect(judged(byVpn, true, rules(vpn))).toEqual({
      code: 'SUBNET_ROUTED',
      message:
        'what this machine sends to the controller at 10.129.81.10 does not get to its bridge br-omada: Linux sends it by wg0 because of route table 51820 (route: default)',
      remedy: expect.stringMatching(
        /^ip rule add to 10\.129\.81\.0\/24 lookup main priority 32764, and where the VPN is set up, .*; or set network\.subnet /,
      ),
    })
  })

  test('a nearer route of the main table is named, with the command that removes it', () => {
    const way = { interface: 'wg0', table: undefined, route: '10.129.81.10' }
    expect(judged(way, true, rules())?.remedy).toMatch(/^ip route del 10\.129\.81\.10 dev wg0, and /)
  })

  test('a rule that refuses is named', () => {
    const refused = { interface: undefined, table: undefined, route: 'default' }
    const refusing = { priority: 50, src: 'all', dst: '10.129.0.0', dstlen: 16, action: 'unreachable' }
    const fault = judged(refused, true, rules(refusing))
    expect(fault?.message).toContain('Linux refuses it')
    expect(fault?.remedy).toMatch(/^ip rule add to 10\.129\.81\.0\/24 lookup main priority 49,/)
  })

  test('a bridge that has lost its address', () => {
    expect(judged(byMain, true, rules())?.remedy).toContain('podman network rm omada')
    // It gets its route with the start, which is not kept from it.
    expect(bridgeLacksRoute(network, { bridge, bridgeThere: true, way: byMain, rules: rules() })).toBe(true)
    expect(bridgeLacksRoute(network, { bridge, bridgeThere: true, way: byVpn, rules: rules(vpn) })).toBe(false)
  })
})

describe('before the bridge is there', () => {
  test.each<[string, ContainerWay['way'], object[]]>([
    ['no route leads there', undefined, []],
    ['the default route does', byMain, []],
    ['a VPN, but the main table is asked first for all but its default route', byVpn, [vpn, mainButDefault]],
    [
      'a VPN, but a rule asks the main table first',
      byVpn,
      [vpn, { priority: 9, src: 'all', dst: '10.129.81.0', dstlen: 24, table: 'main' }],
    ],
  ])('%s: the bridge will have it', (_, way, more) => {
    expect(judged(way, false, rules(...more))).toBeUndefined()
  })

  test.each<[string, object[]]>([
    ['alone', [vpn]],
    [
      'the main table is asked first for others',
      [vpn, { priority: 9, src: 'all', dst: '10.1.0.0', dstlen: 16, table: 'main' }],
    ],
    ['the main table is asked first for a source', [vpn, { priority: 9, src: '10.1.0.1', table: 'main' }]],
    [
      'the main table is asked first for a part',
      [vpn, { priority: 9, src: 'all', dst: '10.129.81.10', dstlen: 32, table: 'main' }],
    ],
    ['the main table is asked first for nearer routes', [vpn, { ...mainButDefault, suppress_prefixlen: 24 }]],
    [
      'the main table is asked later',
      [
        { ...vpn, priority: 5 },
        { priority: 9, src: 'all', table: 'main' },
      ],
    ],
  ])("a VPN's rule will keep it from the bridge: %s", (_, more) => {
    expect(judged(byVpn, false, rules(...more))?.code).toBe('SUBNET_ROUTED')
  })
})
