import { describe, expect, test } from 'vitest'
import { type Reach, reachRules } from '../../../src/host/datapath/reach.ts'
import { rulesetText } from '../../../src/host/datapath/ruleset.ts'

const reach: Reach = {
  egress: 'any',
  listed: [{ address: '192.168.1.5' }, { address: '192.168.1.6', port: 25 }],
  database: [{ address: '10.77.10.1', port: 27_017 }],
  nameServers: ['192.0.2.53', '192.0.2.53'],
  onLink: ['203.0.113.9/24', '10.77.10.1/24'],
}
const lines = (change: Partial<Reach> = {}) =>
  rulesetText(reachRules({ ...reach, ...change }))
    .split('\n')
    .map((line) => line.trim())

describe('whom the container may reach', () => {
  test('is in sets, each once', () => {
    expect(lines()).toEqual(
      expect.arrayContaining([
        'set listed { type ipv4_addr; elements = { 192.168.1.5 }; }',
        'set listed-ports { type ipv4_addr . inet_service; elements = { 192.168.1.6 . 25 }; }',
        'set database { type ipv4_addr . inet_service; elements = { 10.77.10.1 . 27017 }; }',
        'set name-servers { type ipv4_addr; elements = { 192.0.2.53 }; }',
      ]),
    )
    expect(lines({ listed: [], database: [] })).toContain('set database { type ipv4_addr . inet_service; }')
  })

  test('leaves out this machine own networks, whatever they are, without overlaps', () => {
    const set = lines().find((line) => line.startsWith('set not-internet')) ?? ''
    expect(set).toContain('203.0.113.0/24')
    expect(set).toContain('10.0.0.0/8')
    expect(set).not.toContain('10.77.10.0/24')
  })

  test.each(['any', 'internet', 'none'] as const)('egress: %s', (egress) => {
    const text = lines({ egress })
    const beyond = text.slice(text.lastIndexOf('chain reach-beyond {')).join('\n')
    expect(beyond.includes('@name-servers')).toBe(egress !== 'any')
    expect(beyond.includes('@database')).toBe(egress !== 'any')
    expect(beyond.includes('@listed-ports')).toBe(egress !== 'any')
    expect(beyond.includes('@not-internet')).toBe(egress === 'internet')
    expect(beyond.includes('reject')).toBe(egress !== 'any')
  })

  test('answers come first of all', () => {
    for (const { rules } of reachRules({ ...reach, egress: 'none' }).chains) {
      expect(rules.slice(0, 3).map(({ name }) => name)).toEqual(['of others', 'answers', 'opens nothing'])
    }
  })
})
