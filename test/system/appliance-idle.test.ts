import { execFileSync, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { processTree, usageOf } from './support/processes.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

// How long things take and what they cost is measured by `npm run figures`. Here is what must hold on any machine: an order of
// events, and ratios to what bare Node needs at the same time.

/** Long enough to be seen starting by a test that has to wait for its own turn on a busy machine. */
const startSeconds = 20
/** The appliance's own interval of the probes. */
const intervalSeconds = 15
let host: TestHost

beforeAll(async () => {
  host = await TestHost.open({
    lans: { lan10: '10.77.10.1/24' },
    config: { health: { intervalSeconds } },
    standin: { STANDIN_START_SECONDS: String(startSeconds) },
  })
})
afterAll(() => host?.close())
test.beforeEach(() => reportFailures(host))

test('serves the waiting room before the controller is ready, and is ready without waiting for a round of the probes', async () => {
  await host.appliance.start()
  const waiting = await eventually(
    () => host.outpost.call('http', { url: 'http://127.0.0.1:8088/' }),
    ({ status }) => status === 503,
  )
  expect(waiting.body).toContain('<html')
  const health = () => host.operator.health()
  expect(await health().catch(() => ({ ready: false }))).toMatchObject({ ready: false })

  await eventually(health, ({ ready }) => ready, 90_000)
  const standinReady = performance.now()
  await host.appliance.phase('ready', 60_000)
  expect((performance.now() - standinReady) / 1000).toBeLessThan(intervalSeconds)
})

/** The processor time of starting and ending bare Node once, in seconds: the least of some. */
function nodeStartSeconds(): number {
  const script = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1e6)'
  return Math.min(...Array.from({ length: 5 }, () => Number(execFileSync(process.execPath, ['-e', script]))))
}

/** What bare Node holds that does nothing, in megabytes. */
async function nodeMegabytes(): Promise<number> {
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'])
  try {
    await new Promise((resolve) => idle.stdout.once('data', resolve))
    return usageOf(idle.pid ?? 0).residentMegabytes
  } finally {
    idle.kill('SIGKILL')
  }
}

test('idle with devices, it has three processes, none of them much larger than bare Node, and hardly does a thing', async () => {
  for (const [last, kind] of [
    [11, 'ap'],
    [12, 'switch'],
    [13, 'gateway'],
  ] as const) {
    const options = ['--announce-seconds', '10', '--inform-seconds', '10']
    const mac = `AA-BB-CC-50-00-${last}`
    await adopt(host.operator, await host.device('lan10', last, { class: kind, mac, name: kind, options }))
  }
  const tree = processTree(host.appliance.child.pid)
  expect(tree.map(({ role }) => role).sort()).toEqual(['edge', 'probe', 'run'])

  const seconds = () => tree.reduce((sum, { pid }) => sum + usageOf(pid).cpuSeconds, 0)
  const before = seconds()
  await delay(30_000)
  const starts = (seconds() - before) / nodeStartSeconds()
  console.log(`in 30 s as much processor time as ${starts.toFixed(1)} starts of bare Node`)
  expect(starts).toBeLessThan(25)

  const bare = await nodeMegabytes()
  for (const { pid, role } of tree) {
    const ratio = usageOf(pid).residentMegabytes / bare
    console.log(`${role} holds ${ratio.toFixed(2)} times as much memory as bare Node`)
    expect(ratio, role).toBeLessThan(role === 'run' ? 3 : 2.5)
  }
})
