import { expect, test } from 'vitest'
import { parseNft } from '../../../src/diagnosis/packet-filter/nft-rules.ts'
import { fateIn, type Packet } from '../../../src/diagnosis/packet-filter/rules.ts'
import { packet } from '../netcheck/support.ts'

const table = { family: 'inet', table: 'filter' }

/** An input chain with these rules, as `nft -j list ruleset` tells them. */
function fate(
  rules: readonly (readonly object[])[],
  options: { policy?: string; packet?: Partial<Packet>; more?: readonly object[]; chain?: object } = {},
) {
  const input = { ...table, name: 'input', type: 'filter', hook: 'input', prio: 0, policy: options.policy ?? 'drop' }
  const nftables = [
    { metainfo: { json_schema_version: 1 } },
    { chain: { ...input, ...options.chain } },
    ...(options.more ?? []),
    ...rules.map((expr) => ({ rule: { ...table, chain: 'input', expr } })),
  ]
  const [base] = parseNft(JSON.stringify({ nftables }))
  if (base === undefined) throw new Error('no base chain')
  return fateIn(base, packet(options.packet))
}

const accept = { accept: null }
const match = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } })
const dport = (right: unknown, protocol = 'udp', op = '==') =>
  match({ payload: { protocol, field: 'dport' } }, right, op)
const meta = (key: string, right: unknown) => match({ meta: { key } }, right)
const ct = (right: unknown, op = 'in') => match({ ct: { key: 'state' } }, right, op)
const source = (right: unknown, op = '==') => match({ payload: { protocol: 'ip', field: 'saddr' } }, right, op)
const daddrType = (right: unknown) => match({ fib: { result: 'type', flags: ['daddr'] } }, right)

// Each shape as nft 1.0.6 prints it.
test.each([
  ['udp dport 29810', [dport(29_810)], 'open'],
  ['udp dport { 27001, 29800-29820 }', [dport({ set: [27_001, { range: [29_800, 29_820] }] })], 'open'],
  ['udp dport { 27001 }', [dport({ set: [27_001] })], 'blocked'],
  ['udp dport != 29810', [dport(29_810, 'udp', '!=')], 'blocked'],
  ['tcp dport != 29810', [dport(29_810, 'tcp', '!=')], 'blocked'],
  ['udp dport >= 1024', [dport(1024, 'udp', '>=')], 'maybe'],
  ['th dport 29810', [meta('l4proto', { set: ['tcp', 'udp'] }), dport(29_810, 'th')], 'open'],
  ['udp sport 68', [match({ payload: { protocol: 'udp', field: 'sport' } }, 68)], 'maybe'],
  ['ip protocol udp', [match({ payload: { protocol: 'ip', field: 'protocol' } }, 'udp')], 'open'],
  ['iifname "lan*"', [meta('iifname', 'lan*')], 'open'],
  ['iifname { "eth0", "lan*" }', [meta('iifname', { set: ['eth0', 'lan*'] })], 'open'],
  ['iif "lo"', [meta('iif', 'lo')], 'blocked'],
  ['ct state established,related', [ct(['established', 'related'])], 'blocked'],
  ['ct state { new, established }', [ct({ set: ['new', 'established'] }, '==')], 'open'],
  ['ip saddr 192.168.0.0/16', [source({ prefix: { addr: '192.168.0.0', len: 16 } })], 'open'],
  ['ip saddr 192.168.1.7', [source('192.168.1.7')], 'maybe'],
  ['ip saddr 192.168.1.1-192.168.1.9', [source({ range: ['192.168.1.1', '192.168.1.9'] })], 'maybe'],
  ['ip saddr != 10.0.0.0/8', [source({ prefix: { addr: '10.0.0.0', len: 8 } }, '!=')], 'open'],
  ['ip6 saddr ::/0', [match({ payload: { protocol: 'ip6', field: 'saddr' } }, '::')], 'blocked'],
  ['fib daddr type local', [daddrType('local')], 'open'],
  ['fib daddr type { broadcast, multicast }', [daddrType({ set: ['broadcast', 'multicast'] })], 'blocked'],
  ['meta pkttype host', [meta('pkttype', 'host')], 'open'],
  ['meta mark 1', [meta('mark', 1)], 'maybe'],
  ['limit', [{ limit: { rate: 3, burst: 5, per: 'minute' } }], 'maybe'],
  ['counter log', [{ counter: { packets: 1, bytes: 2 } }, { log: { prefix: 'x' } }], 'open'],
  ['an extension of iptables', [{ xt: { type: 'match', name: 'recent' } }], 'maybe'],
  ['a statement of a later nft', [{ tomorrow: {} }], 'maybe'],
])('%s accept', (_, expr, expected) => {
  expect(fate([[...expr, accept]])).toBe(expected)
})

test.each([
  ['drop', { drop: null }, 'blocked'],
  ['reject', { reject: { type: 'icmpx', expr: 'admin-prohibited' } }, 'blocked'],
  ['queue', { queue: null }, 'maybe'],
  ['return', { return: null }, 'open'],
  ['an unknown target of iptables', { xt: { type: 'target', name: 'NFQUEUE' } }, 'maybe'],
  ['iptables LOG', { xt: { type: 'target', name: 'LOG' } }, 'open'],
  ['a jump to nowhere', { jump: { target: 'gone' } }, 'maybe'],
])('under the policy accept: %s', (_, statement, expected) => {
  expect(fate([[statement]], { policy: 'accept' })).toBe(expected)
})

test('a named set is looked up in its own table', () => {
  const set = (more: object) => ({
    set: { ...table, name: 'ports', elem: [{ elem: { val: 29_810, comment: 'x' } }], ...more },
  })
  expect(fate([[dport('@ports'), accept]], { more: [set({})] })).toBe('open')
  expect(fate([[dport('@ports'), accept]], { more: [set({ elem: [{ range: [1, 5] }] })] })).toBe('blocked')
  expect(fate([[dport('@ports'), accept]], { more: [set({ table: 'other' })] })).toBe('maybe')
})

test('a verdict map decides by the state, and by the port', () => {
  const data = (...set: readonly unknown[]) => ({ set })
  const states = { vmap: { key: { ct: { key: 'state' } }, data: data(['invalid', { drop: null }], ['new', accept]) } }
  expect(fate([[states]])).toBe('open')
  const key = { payload: { protocol: 'udp', field: 'dport' } }
  expect(fate([[{ vmap: { key, data: data([27_001, accept]) } }]])).toBe('blocked')
  expect(fate([[{ vmap: { key, data: data([29_810, { jump: { target: 'gone' } }]) } }]])).toBe('maybe')
  const pair = { concat: [{ meta: { key: 'iifname' } }, key] }
  const pairs = data([{ concat: ['eth0', 29_810] }, { drop: null }], [{ concat: ['lan0', 29_810] }, accept])
  expect(fate([[{ vmap: { key: pair, data: pairs } }]])).toBe('open')
})

test('chains are looked up in their own table', () => {
  const own = [{ chain: { ...table, name: 'allow' } }, { rule: { ...table, chain: 'allow', expr: [accept] } }]
  expect(fate([[{ jump: { target: 'allow' } }]], { more: own })).toBe('open')
  const other = own.map((object) => JSON.parse(JSON.stringify(object).replaceAll('"filter"', '"other"')))
  expect(fate([[{ jump: { target: 'allow' } }]], { more: other })).toBe('maybe')
})

test('a chain of a network device is for that device alone', () => {
  const chain = (dev: unknown) => ({ family: 'netdev', hook: 'ingress', dev })
  expect(fate([], { chain: chain('eth9') })).toBe('open')
  expect(fate([], { chain: chain(['eth9', 'lan0']) })).toBe('blocked')
})

test('a rule on the ports of a bridge is not for this check to judge', () => {
  const more = [{ rule: { family: 'bridge', table: 'filter', chain: 'input', expr: [accept] } }]
  expect(fate([], { chain: { family: 'bridge' }, more })).toBe('maybe')
})

test('only chains that a packet to this machine passes count', () => {
  const chain = (more: object) => ({ chain: { ...table, name: 'x', type: 'filter', hook: 'input', ...more } })
  const others = [{ hook: 'output' }, { hook: 'forward' }, { type: 'nat' }, { family: 'ip6' }].map(chain)
  expect(parseNft(JSON.stringify({ nftables: others }))).toEqual([])
})
