import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { processTree, usageOf } from './support/processes.ts'
import { TestHost } from './support/test-host.ts'

let host: TestHost

beforeAll(async () => {
  // The appliance's own interval, and a controller that takes a moment to start.
  host = await TestHost.open({
    lans: { lan10: '10.77.10.1/24' },
    config: { health: { intervalSeconds: 15 } },
    standin: { STANDIN_START_SECONDS: '6' },
  })
})
afterAll(() => host?.close())
test.beforeEach(() => host.reportFailures())

test('serves the waiting room soon after the start, and is ready soon after the controller is', async () => {
  const started = performance.now()
  const seconds = () => ((performance.now() - started) / 1000).toFixed(2)
  await host.appliance.start()
  const waiting = await eventually(
    () => host.outpost.call('http', { url: 'http://127.0.0.1:8088/' }),
    ({ status }) => status === 503,
  )
  console.log(`waiting room ${seconds()} s after the start`)
  expect(waiting.body).toContain('<html')

  await eventually(
    () => host.operator.health(),
    (health) => health.ready,
    90_000,
  )
  const standinReady = performance.now()
  await host.appliance.phase('ready', 60_000)
  console.log(`ready ${((performance.now() - standinReady) / 1000).toFixed(2)} s after the stand-in`)
})

test('idle, it needs little memory and hardly any processor time', async () => {
  for (const [last, kind] of [
    [11, 'ap'],
    [12, 'switch'],
    [13, 'gateway'],
  ] as const) {
    const mac = `AA-BB-CC-50-00-${last}`
    const device = await host.device('lan10', last, {
      class: kind,
      mac,
      name: kind,
      options: ['--announce-seconds', '10', '--inform-seconds', '10'],
    })
    await eventually(
      () => host.operator.device(mac),
      (known) => known?.state === 'pending',
    )
    await host.operator.adopt(mac)
    await device.event('connected', 60_000)
  }
  const tree = processTree(host.appliance.child.pid)
  const roles = new Map(tree.map(({ pid, role }) => [role, pid]))
  expect([...roles.keys()].sort()).toEqual(['edge', 'probe', 'run'])

  const before = tree.map(({ pid }) => usageOf(pid).cpuSeconds)
  const from = performance.now()
  await delay(30_000)
  const elapsed = (performance.now() - from) / 1000
  let total = 0
  for (const [index, { pid, role }] of tree.entries()) {
    const { cpuSeconds, residentMegabytes } = usageOf(pid)
    const share = ((cpuSeconds - (before[index] ?? 0)) / elapsed) * 100
    total += share
    console.log(`${role}: ${share.toFixed(2)} % of one core, ${residentMegabytes.toFixed(0)} MB`)
    expect(residentMegabytes, role).toBeLessThanOrEqual(role === 'run' ? 120 : 90)
  }
  console.log(`all: ${total.toFixed(2)} % of one core over ${elapsed.toFixed(0)} s`)
})
