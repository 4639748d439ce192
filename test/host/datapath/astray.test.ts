import { expect, test } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import { Astray } from '../../../src/host/datapath/astray.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** As nft 1.1 lists an element of the set. */
const element = (address: string, port: number) => ({ elem: { val: { concat: [address, port] }, timeout: 3600 } })
const listing = (...elem: object[]) => ({ nftables: [{ metainfo: {} }, { set: { name: 'astray', elem } }] })

test('who asks for the controller at the address of the container is told in one warning, for an hour', () => {
  const clock = new ManualClock()
  const warnings = new Warnings({ logger: silent, clock })
  const astray = new Astray({ clock, warnings: warnings.source({ name: 'astray' }) })
  const messages = () => warnings.list().map(({ code, message }) => `${code} ${message}`)
  astray.seen(listing())
  expect(messages()).toEqual([])
  astray.seen(listing(element('192.168.1.20', 29_814)))
  expect(messages()).toEqual([expect.stringMatching(/^DEVICES_ASTRAY 192\.168\.1\.20 asked for .*TCP 29814\)/)])
  astray.seen(listing(...[20, 21, 22, 23, 24].map((last) => element(`192.168.1.${last}`, 8843))))
  expect(messages()).toEqual([expect.stringContaining('192.168.1.21, 192.168.1.22 and 2 more asked')])
  // One that goes on is told without a break.
  clock.advance(3_600_001)
  astray.seen(listing(element('192.168.1.24', 8843)))
  expect(messages()).toHaveLength(1)
  clock.advance(3_600_001)
  astray.seen(listing())
  expect(messages()).toEqual([])
})
