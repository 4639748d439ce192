import { expect, test } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import { RefusedPeers } from '../../../src/host/datapath/refused-peers.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** As nft 1.1 lists an element of the set: a packet gives it all of its time again. */
const element = (address: string, protocol: string, port: number, ageSeconds = 0) => ({
  elem: { val: { concat: [address, protocol, port] }, timeout: 3600, expires: 3600 - ageSeconds },
})
const listing = (...elem: object[]) => ({ nftables: [{ metainfo: {} }, { set: { name: 'refused', elem } }] })

function scene() {
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  const allowed: { egress: 'any'; listed: { address: string; port: number }[] } = { egress: 'any', listed: [] }
  const source = warnings.source({ name: 'reach' })
  const refused = new RefusedPeers({ clock, warnings: source, allowed: () => allowed })
  const begun: string[] = []
  warnings.history.on(({ message }) => begun.push(message))
  return { clock, allowed, refused, begun, messages: () => warnings.list().map(({ message }) => message) }
}

test('each address and port is told once, with what lists it', () => {
  const { refused, messages, begun } = scene()
  const mail = element('192.168.1.5', 'tcp', 25)
  refused.seen(listing(mail))
  refused.seen(listing(mail, element('192.168.1.5', 'udp', 123)))
  refused.seen(listing(element('192.168.1.5', 'tcp', 25), element('192.168.1.5', 'udp', 123)))
  expect(messages()).toEqual([
    expect.stringContaining('192.168.1.5:25 (TCP)'),
    expect.stringContaining('192.168.1.5:123 (UDP)'),
  ])
  expect(begun).toHaveLength(2)
})

test('it stands over a table that was set anew, until nothing was tried for an hour', () => {
  const { refused, messages, clock, begun } = scene()
  refused.seen(listing(element('192.168.1.5', 'tcp', 25)))
  refused.seen(listing())
  clock.advance(3_000_000)
  refused.seen(listing(element('192.168.1.5', 'tcp', 25)))
  clock.advance(3_000_000)
  refused.seen(listing(element('192.168.1.5', 'tcp', 25, 3000)))
  expect(messages()).toHaveLength(1)
  expect(begun).toHaveLength(1)
  clock.advance(3_000_000)
  refused.seen(listing())
  expect(messages()).toEqual([])
})

test('another configuration is another question', () => {
  const { refused, messages, allowed } = scene()
  refused.seen(listing(element('192.168.1.5', 'tcp', 25)))
  allowed.listed.push({ address: '192.168.1.5', port: 25 })
  refused.seen(listing())
  expect(messages()).toEqual([])
})

test.each([
  undefined,
  {},
  { nftables: [{ set: { name: 'refused' } }] },
  { nftables: [{ set: { name: 'refused', elem: [1] } }] },
])('what nft does not list is nothing: %j', (said) => {
  const { refused, messages } = scene()
  refused.seen(said)
  expect(messages()).toEqual([])
})
