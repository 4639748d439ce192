import { expect, onTestFinished, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { reachFacts } from '../../../src/host/datapath/reach-facts.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const forever = new AbortController().signal

async function scene() {
  const clock = new ManualClock()
  const config = { now: configSchema.parse({ controller: { egress: 'internet', reach: ['192.168.1.5:25'] } }) }
  const dns = { answer: async (): Promise<string[]> => ['192.0.2.7'] }
  const facts = reachFacts({
    live: () => config.now,
    databaseUri: 'mongodb://db.example/omada',
    machineNames: async () => ({ servers: ['127.0.0.1', '192.0.2.53', '2001:db8::53'], served: false }),
    names: { ipv4: () => dns.answer(), srv: async () => [] },
    localAddresses: () => [
      { interface: 'lo', address: '127.0.0.1', family: 'ipv4', prefix: 8, internal: true },
      { interface: 'lan0', address: '203.0.113.9', family: 'ipv4', prefix: 24, internal: false },
    ],
    logger: silent,
    clock,
  })
  await facts.start(forever)
  onTestFinished(() => facts.stop())
  return { facts, dns, config }
}

test('is what is configured, and where its names are now', async () => {
  const { facts, config } = await scene()
  expect(facts.now()).toEqual({
    egress: 'internet',
    listed: [{ address: '192.168.1.5', port: 25 }],
    database: [{ address: '192.0.2.7', port: 27_017 }],
    nameServers: ['192.0.2.53'],
    onLink: ['203.0.113.9/24'],
  })
  config.now = configSchema.parse({})
  expect(facts.now()).toMatchObject({ egress: 'any', listed: [] })
})

test('a database that has no address now is where it was', async () => {
  const { facts, dns } = await scene()
  dns.answer = async () => Promise.reject(new Error('SERVFAIL'))
  await facts.look(forever)
  expect(facts.now().database).toEqual([{ address: '192.0.2.7', port: 27_017 }])
  dns.answer = async () => ['192.0.2.8']
  await facts.look(forever)
  expect(facts.now().database).toEqual([{ address: '192.0.2.8', port: 27_017 }])
})
