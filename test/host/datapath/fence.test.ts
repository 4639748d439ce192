import { describe, expect, test } from 'vitest'
import { fence } from '../../../src/host/datapath/fence.ts'
import { joined, rulesetText } from '../../../src/host/datapath/ruleset.ts'

const omada = { subnet: '10.129.81.0/24', bridge: 'br-omada' }
const lines = (text: string) => text.split('\n').map((line) => line.trim())

describe('the text of the table', () => {
  test('is one step: the table of before goes, ours comes', () => {
    expect(lines(rulesetText(fence([omada]))).slice(0, 3)).toEqual([
      'add table inet omada-host',
      'delete table inet omada-host',
      'table inet omada-host {',
    ])
  })

  test.each([
    ['one network', [omada], '"br-omada"', '10.129.81.0/24'],
    [
      'two, each once',
      [omada, { subnet: '10.129.82.0/24', bridge: 'br-omada-next' }, omada],
      '"br-omada", "br-omada-next"',
      '10.129.81.0/24, 10.129.82.0/24',
    ],
    ['bits of a host are none of a network', [{ ...omada, subnet: '10.129.81.7/24' }], '"br-omada"', '10.129.81.0/24'],
  ])('names its networks in sets: %s', (_, networks, bridges, subnets) => {
    const text = lines(rulesetText(fence(networks)))
    expect(text).toContain(`set bridges { type ifname; elements = { ${bridges} }; }`)
    expect(text).toContain(`set networks { type ipv4_addr; flags interval; elements = { ${subnets} }; }`)
  })

  test('no rule names a network: what changes is a set', () => {
    const rules = fence([omada]).chains.flatMap((chain) => chain.rules.map(({ text }) => text))
    expect(rules.join('\n')).not.toMatch(/10\.129|br-omada/)
  })

  test.each([
    ['fence-in', 'type filter hook prerouting priority -300; policy accept;'],
    ['fence-forward', 'type filter hook forward priority 0; policy accept;'],
    ['fence-out', 'type filter hook output priority 0; policy accept;'],
    ['way-out', 'type nat hook postrouting priority 110; policy accept;'],
  ])('the chain %s is called by the kernel: %s', (name, hook) => {
    expect(lines(rulesetText(fence([omada])))).toContain(`chain ${name} { ${hook} }`)
  })

  test('what comes in by neither bridge nor loopback goes by its source and by its destination', () => {
    const text = lines(rulesetText(fence([omada])))
    const from = text.indexOf('chain fence-in {')
    expect(text.slice(from + 1, from + 6)).toEqual([
      'iifname @bridges accept comment "by a bridge of ours"',
      'iifname "lo" accept comment "from this machine"',
      'ip saddr @networks counter drop comment "claims to come from a network of ours"',
      'ip daddr @networks tcp dport { 8088, 8043, 8044, 8843, 29811, 29812, 29813, 29814, 29815, 29816, 29817 } update @astray { ip saddr . tcp dport } comment "asks for the controller"',
      'ip daddr @networks counter drop comment "past the proxies"',
    ])
  })

  test('parts made apart are one table', () => {
    const own = {
      sets: [{ name: 'seen', type: 'ipv4_addr', flags: ['dynamic', 'timeout'], more: ['size 64'] }],
    } as const
    const text = lines(rulesetText(joined(fence([omada]), { ...own, chains: [{ name: 'mine', rules: [] }] })))
    expect(text).toContain('set seen { type ipv4_addr; flags dynamic, timeout; size 64; }')
    expect(text).toContain('chain mine { }')
    expect(text).toContain('chain fence-in {')
  })

  test.each([
    [{ ...omada, bridge: 'br"; flush ruleset; "' }, 'is no name of an interface'],
    [{ ...omada, bridge: 'a-name-of-16-char' }, 'is no name of an interface'],
    [{ ...omada, subnet: '10.129.81.0/24 } }' }, 'is no IPv4 network'],
    [{ ...omada, subnet: 'fd00::/64' }, 'is no IPv4 network'],
  ])('nothing of it is taken from what is no name and no network: %j', (network, why) => {
    expect(() => fence([network])).toThrow(why)
  })
})
