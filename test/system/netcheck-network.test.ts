import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Finding } from '../../src/diagnosis/finding.ts'
import { announceOf } from '../edge/discovery/support/edge.ts'
import { NamespacePeer } from '../edge/discovery/support/namespace-peer.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { Lan } from '../support/lan.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'
import { EdgeHost } from './support/edge-host.ts'
import { Outpost } from './support/outpost.ts'

const name = `om${process.pid}`
const config = { access: { devices: ['lan0'], management: ['lan0'], guests: ['lan0'] } }

let ledger: Ledger
let host: EdgeHost
let place: Namespace
let device: NamespacePeer

beforeAll(async () => {
  ledger = await Ledger.open('omada-host-netcheck-')
  host = await EdgeHost.make(ledger, { name: `${name}-a`, config })
  const lan = await Lan.make(ledger, { name: 'lan0', host: host.namespace, address: '10.77.0.1/24' })
  place = await Namespace.make(ledger, `${name}-dev`)
  await lan.plug(place, 7)
  device = await NamespacePeer.open(ledger, place)
})
afterAll(() => ledger?.close())

const find = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check)

test('without the appliance what is left is told, and 69', async () => {
  const { code, findings } = await host.netcheck()
  expect(code).toBe(69)
  expect(find(findings, 'broadcasts in')).toEqual([expect.objectContaining({ status: 'unknown' })])
  expect(find(findings, 'other omada-host')).toEqual([expect.objectContaining({ status: 'ok' })])
  expect(find(findings, 'firewall')).toEqual([expect.objectContaining({ status: 'ok' })])
})

test('a silent network is an observation and no verdict', { timeout: 120_000 }, async () => {
  await host.start()
  const { findings } = await host.netcheck()
  expect(find(findings, 'broadcasts in')).toEqual([
    {
      check: 'broadcasts in',
      status: 'unknown',
      message:
        'could not measure whether broadcasts come in on lan0: none came in 30 s; devices that are adopted send none',
      remedy: expect.stringContaining('UDP-DATAGRAM:10.77.0.255:29810'),
    },
  ])
  expect(find(findings, 'port 29814')).toEqual([
    expect.objectContaining({
      status: 'unknown',
      remedy: 'from another machine of that network: nc -vz 10.77.0.1 29814',
    }),
  ])
})

test("a device's broadcast and a connection from outside are seen, and what is fine is told so", async () => {
  const outpost = await Outpost.open(ledger, place)
  await device.send(announceOf(), 29_810, '255.255.255.255')
  await outpost.call('hold', { address: '10.77.0.1', port: 29_814, deadlineMilliseconds: 5000 })
  // One from this machine proves nothing, and takes nothing back.
  const inside = await Outpost.open(ledger, host.namespace)
  await inside.call('hold', { address: '10.77.0.1', port: 29_815, deadlineMilliseconds: 5000 })
  await eventually(
    () => host.state(),
    ({ discovery }) => discovery.broadcasts?.[0]?.interface === 'lan0',
  )
  const arrivals = (await host.state()).proxy.ports.map(({ port, arrivedBy }) => [port, arrivedBy])
  expect(arrivals).toContainEqual([29_814, ['lan0']])
  expect(arrivals).toContainEqual([29_815, []])
  const { findings } = await host.netcheck()
  for (const check of ['broadcasts in', 'answers out', 'port 29814', 'other omada-host', 'firewall']) {
    expect(find(findings, check), check).toEqual([expect.objectContaining({ status: 'ok' })])
  }
  expect(find(findings, 'answers out')[0]?.message).toContain('from 10.77.0.1:29810 on lan0')
  outpost.close()
  inside.close()
})

test('nftables that drops by default is named, and the remedy opens it, word for word', async () => {
  const table = 'add table inet own; add chain inet own in { type filter hook input priority 0; policy drop; }'
  await host.namespace.run(['nft', `${table}; add rule inet own in iif lo accept`])
  const blocked = find((await host.netcheck()).findings, 'firewall')
  expect(blocked).toEqual([
    {
      check: 'firewall',
      status: 'fail',
      code: 'FIREWALL_BLOCKS',
      message:
        'nftables (table inet own, chain in) drops what arrives on lan0 for ' +
        'UDP 19810, 27001, 29810 and TCP 8043-8044, 8088, 8090, 8843, 29811-29817',
      remedy: expect.stringMatching(/^nft 'insert rule inet own in /),
    },
  ])
  const before = host.controller.received.length
  await device.send(announceOf({ seq: 7 }), 29_810, '255.255.255.255')
  const [remedy = ''] = blocked[0]?.remedy?.split('; keep it') ?? []
  await command(host.namespace.enter(['sh', '-c', remedy]))
  expect(find((await host.netcheck()).findings, 'firewall')).toEqual([expect.objectContaining({ status: 'ok' })])
  expect(host.controller.received.length).toBe(before)
  await device.send(announceOf({ seq: 8 }), 29_810, '255.255.255.255')
  await eventually(
    async () => host.controller.received.length,
    (count) => count === before + 1,
  )
  await host.namespace.run(['nft', 'delete table inet own'])
})

test('iptables that drops broadcasts alone is named', async () => {
  const rule = ['INPUT', '-m', 'addrtype', '--dst-type', 'BROADCAST', '-j', 'DROP']
  await host.namespace.run(['iptables', '-A', ...rule])
  expect(find((await host.netcheck()).findings, 'firewall')).toEqual([
    expect.objectContaining({
      status: 'fail',
      code: 'FIREWALL_BLOCKS',
      message: 'iptables drops what arrives on lan0 for broadcasts to UDP 19810, 27001, 29810',
    }),
  ])
  await host.namespace.run(['iptables', '-D', ...rule])
})

test('rules that depend on what this check does not know are no verdict', async () => {
  const rule = 'add rule inet own in meta mark 7 drop'
  await host.namespace.run([
    'nft',
    `add table inet own; add chain inet own in { type filter hook input priority 0; policy accept; }; ${rule}`,
  ])
  expect(find((await host.netcheck()).findings, 'firewall')).toEqual([
    expect.objectContaining({
      status: 'unknown',
      message: expect.stringContaining('that depends on rules of nftables (table inet own, chain in)'),
    }),
  ])
  await host.namespace.run(['nft', 'delete table inet own'])
})

test("answers that a VPN's policy route takes elsewhere are told, and the remedy gives them back, word for word", async () => {
  expect(find((await host.netcheck()).findings, 'way out')).toEqual([
    { check: 'way out', status: 'ok', message: 'answers from 10.77.0.1 to 10.77.0.0/24 leave by lan0' },
  ])
  for (const line of [
    'ip link add wg0 type bridge',
    'ip link set wg0 up',
    'ip route add default dev wg0 table 100',
    'ip rule add lookup 100 priority 500',
  ]) {
    await host.namespace.run(line.split(' '))
  }
  const [taken] = find((await host.netcheck()).findings, 'way out')
  expect(taken).toMatchObject({ status: 'fail', message: expect.stringContaining('by wg0 because of route table 100') })
  const [remedy = ''] = taken?.remedy?.split(', and ') ?? []
  await host.namespace.run(remedy.split(' '))
  expect(find((await host.netcheck()).findings, 'way out')).toEqual([expect.objectContaining({ status: 'ok' })])
})
