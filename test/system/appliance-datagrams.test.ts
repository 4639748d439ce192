import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { announcement } from '../standin/protocol/announce.ts'
import { encodeFrame } from '../standin/protocol/frame.ts'
import { eventually } from '../support/eventually.ts'
import type { Namespace } from '../support/namespace.ts'
import { Outpost } from './support/outpost.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

interface Datagram {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly base64: string
}

const factory = 'c21f969b5f03d33d43e04f8f136e7682'
const flood = '10.77.10.10'
const served = Array.from({ length: 200 }, (_, index) => `10.77.10.${20 + index}`)
/** Datagrams that an address may send before it is limited, however fast. Each of those served sends fewer in all. */
const burst = 60

let host: TestHost
let lan10: Outpost
let lan20: Outpost

beforeAll(async () => {
  host = await TestHost.open({
    lans: { lan10: '10.77.10.1/24', lan20: '10.77.20.1/24' },
    config: {
      access: { devices: ['lan10'] },
      // As long as the test may last: which datagram is a duplicate then does not depend on this machine's speed.
      discovery: { duplicateWindowMilliseconds: 60_000, ratePerSource: burst / 2 },
    },
  })
  const neighbour = await host.neighbour('lan10', 10)
  await addAddresses(neighbour, served)
  lan10 = await Outpost.open(host.ledger, neighbour)
  lan20 = await Outpost.open(host.ledger, await host.neighbour('lan20', 90))
  await host.appliance.start()
  await host.appliance.phase('ready', 90_000)
})
afterAll(async () => {
  lan10?.close()
  lan20?.close()
  await host?.close()
})

async function addAddresses(namespace: Namespace, addresses: readonly string[]): Promise<void> {
  const lines = addresses.map((address) => `address add ${address}/24 brd + dev eth0`)
  const file = join(host.ledger.directory, 'addresses')
  writeFileSync(file, lines.join('\n'))
  await namespace.run(['ip', '-batch', file])
}

function announceOf(address: string, number: number): Buffer {
  const hex = number.toString(16).padStart(4, '0').toUpperCase()
  const mac = `AA-BB-CC-40-${hex.slice(0, 2)}-${hex.slice(2)}`
  const identity = { class: 'ap', mac, model: 'EAP670', name: `Load ${number}`, address } as const
  return encodeFrame(announcement(identity, factory, Date.now(), number))
}

/** `count` datagrams from the served addresses in turn, to the host's address and both broadcast addresses in turn. */
function fromServed(count: number, payload: (address: string, number: number) => Buffer): Datagram[] {
  const targets = ['10.77.10.1', '255.255.255.255', '10.77.10.255']
  return Array.from({ length: count }, (_, number) => {
    const from = served[number % served.length] ?? ''
    const to = targets[number % targets.length] ?? ''
    return { from, to, port: 29810, base64: payload(from, number).toString('base64') }
  })
}

/** All but the echoes of the edge's own question for others of its kind, which it asks when it likes. */
async function outcomes(): Promise<Readonly<Record<string, number>>> {
  const { 'own-echo': _, ...others } = (await host.appliance.edgeState()).discovery.outcomes
  return others
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count, 0)

test('10,000 datagrams of every kind: each is counted once, and as what it was', async () => {
  reportFailures(host)
  const announces = fromServed(4000, announceOf)
  const kinds: readonly (readonly Datagram[])[] = [
    announces,
    announces.slice(0, 2000),
    fromServed(1000, () => Buffer.alloc(0)),
    fromServed(500, () => randomBytes(9000)),
    fromServed(1000, () => randomBytes(200)),
    // One address far beyond its rate: of each hundred at once, more than a burst does not pass.
    Array.from({ length: 1000 }, () => ({
      from: flood,
      to: '10.77.10.1',
      port: 29810,
      base64: randomBytes(64).toString('base64'),
    })),
  ]
  // The relay takes a moment to see the container's bridge; from then on every datagram has to arrive.
  let warmUps = 0
  const standin = await eventually(
    async () => {
      const datagram = { from: flood, to: '10.77.10.1', port: 29810, base64: randomBytes(8).toString('base64') }
      warmUps += await lan10.call('send', { datagrams: [datagram], perSecond: 100 })
      return (await host.operator.stats()).discovery
    },
    ({ received }) => received > 0,
  )
  const before = await eventually(outcomes, (counts) => sumOf(counts) === warmUps)
  let sent = 0
  // In portions, each counted before the next, so that no socket buffer overflows however slow the machine is.
  const send = async (outpost: Outpost, datagrams: readonly Datagram[]) => {
    for (let start = 0; start < datagrams.length; start += 100) {
      sent += await outpost.call('send', { datagrams: datagrams.slice(start, start + 100), perSecond: 5000 })
      await eventually(outcomes, (counts) => sumOf(counts) - warmUps >= sent)
    }
  }
  for (const datagrams of kinds) await send(lan10, datagrams)
  const refused = Array.from({ length: 500 }, (_, number) => ({
    from: '10.77.20.90',
    to: number % 2 === 0 ? '10.77.20.1' : '255.255.255.255',
    port: 29810,
    base64: announceOf('10.77.20.90', 5000 + number).toString('base64'),
  }))
  await send(lan20, refused)
  expect(sent).toBe(10_000)

  const after = await outcomes()
  const counts = Object.fromEntries(Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]))
  console.log(JSON.stringify(counts))
  expect(sumOf(counts)).toBe(10_000)
  // The stand-in's own count is the truth about what reached it.
  const { discovery } = await host.operator.stats()
  const relayed = discovery.received - standin.received
  const others = { duplicate: 2000, empty: 1000, oversize: 500, refused: 500 }
  const limited = 10_000 - relayed - sumOf(others)
  expect(limited).toBeGreaterThan(0)
  const none = Object.fromEntries(Object.keys(after).map((name) => [name, 0]))
  expect(counts).toEqual({ ...none, ...others, relayed, 'rate-limited': limited })
  expect(discovery.accepted).toBe(4000)
})
