import { describe, expect, test } from 'vitest'
import { type AppliancePort, appliancePorts } from '../../../src/config/appliance-ports.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { fence } from '../../../src/host/datapath/fence.ts'
import { reachRules } from '../../../src/host/datapath/reach.ts'
import { joined, rulesetText } from '../../../src/host/datapath/ruleset.ts'
import { segments } from '../../../src/host/datapath/segments.ts'

const ports = appliancePorts(configSchema.parse({}))
const lines = (bytes: number | undefined, of: readonly AppliancePort[] = ports) =>
  rulesetText(segments(bytes, of))
    .split('\n')
    .map((line) => line.trim())

describe('the size of segments', () => {
  test('is bounded on the ports that devices connect to by TCP, and on no other', () => {
    expect(lines(1360)).toContain(
      'set device-ports { type inet_service; elements = { 8043, 8044, 29811, 29812, 29813, 29814, 29815, 29816, 29817 }; }',
    )
    const own: AppliancePort[] = [
      { protocol: 'tcp', port: 8843, roles: ['guests'] },
      { protocol: 'udp', port: 29_810, roles: ['devices'] },
      { protocol: 'tcp', port: 30_000, roles: ['devices'] },
    ]
    expect(lines(1360, own)).toContain('set device-ports { type inet_service; elements = { 30000 }; }')
  })

  test.each([
    ['segments-in', 'input', 'dport', 'what this machine may send'],
    ['segments-out', 'output', 'sport', 'what devices may send'],
  ])('%s: in what opens a connection, only where more was asked for', (chain, hook, port, name) => {
    const text = lines(1360)
    expect(text).toContain(`chain ${chain} { type filter hook ${hook} priority -150; policy accept; }`)
    expect(text[text.indexOf(`chain ${chain} {`) + 1]).toBe(
      `tcp ${port} @device-ports tcp flags & (syn | rst) == syn tcp option maxseg size > 1360 ` +
        `tcp option maxseg size set 1360 comment "${name}"`,
    )
  })

  test('is nobody else’s business: without a figure, or without such a port, there is no rule', () => {
    expect(segments(undefined, ports)).toEqual({ sets: [], chains: [] })
    expect(segments(1360, [{ protocol: 'udp', port: 29_810, roles: ['devices'] }])).toEqual({ sets: [], chains: [] })
  })

  test('shares no name with the rest of the table', () => {
    const reach = reachRules({ egress: 'any', listed: [], database: [], nameServers: [], onLink: [] })
    const { sets, chains } = joined(fence([{ subnet: '10.129.81.0/24', bridge: 'b' }]), reach, segments(1360, ports))
    for (const names of [sets.map(({ name }) => name), chains.map(({ name }) => name)]) {
      expect(new Set(names).size).toBe(names.length)
    }
  })
})
