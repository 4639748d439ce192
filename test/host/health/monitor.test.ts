import { afterEach, beforeEach, expect, it } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { HealthMonitor, type HealthSnapshot } from '../../../src/host/health/monitor.ts'
import { FakeController, infoPath } from '../../support/health-controller.ts'
import { probeCommand, silent } from '../../support/health-process.ts'

const patience = { timeout: 30_000 }
let controller: FakeController
const monitors: HealthMonitor[] = []

beforeEach(async () => {
  controller = await FakeController.start()
})
afterEach(async () => {
  await Promise.all(monitors.splice(0).map((monitor) => monitor.stop()))
  await controller.close()
})

async function watch(
  options: { health?: object; uri?: string; sandboxKey?: string | null; crashProvingSeconds?: number } = {},
) {
  const config = configSchema.parse({
    health: { intervalSeconds: 1, ...options.health },
    mongo: options.uri === undefined ? {} : { uri: options.uri },
  })
  const { crashProvingSeconds } = options
  const warnings = new Warnings({ logger: silent, clock: systemClock })
  const monitor = new HealthMonitor({
    warnings,
    config,
    live: () => config,
    logger: silent,
    clock: systemClock,
    databaseMayCrash: () => crashProvingSeconds !== undefined,
    ...(crashProvingSeconds === undefined ? {} : { crashProvingSeconds }),
    probeCommand,
    ports: controller.ports,
    enterNamespace: (_, command) => command,
  })
  monitors.push(monitor)
  const seen: HealthSnapshot[] = []
  const history: string[] = []
  monitor.changed.on((snapshot) => seen.push(snapshot))
  // Whoever hears of one condition may ask for all at once.
  const asked: HealthSnapshot[] = []
  warnings.history.on((entry) => {
    history.push(`${entry.subject} ${entry.to}`)
    asked.push(monitor.snapshot())
  })
  await monitor.start(AbortSignal.timeout(10_000))
  const { sandboxKey = '/run/netns/a' } = options
  monitor.setTarget({ containerId: 'c1', address: '127.0.0.1', ...(sandboxKey === null ? {} : { sandboxKey }) })
  return {
    monitor,
    warnings,
    seen,
    asked,
    history,
    ready: () => expect.poll(() => monitor.snapshot().ready, patience).toBe(true),
  }
}

const named = (snapshot: HealthSnapshot, name: string) => snapshot.conditions.find((each) => each.name === name)

it('becomes ready and tells version, id and what was measured', { timeout: 60_000 }, async () => {
  const { monitor, ready } = await watch()
  expect(monitor.snapshot().ready).toBe(false)
  await ready()
  const snapshot = monitor.snapshot()
  expect(snapshot).toMatchObject({ everReady: true, version: '6.2.0.17', omadacId: 'abc123' })
  expect(snapshot.reason).toEqual({ message: 'the controller is ready' })
  expect(named(snapshot, 'database')?.detail).toMatch(/^MongoDB 8\.0\.15, Standalone, /)
  await expect
    .poll(() => monitor.snapshot().conditions.map(({ status }) => status), patience)
    .toEqual(Array(7).fill('ok'))
})

it('a dead database while the web server answers: not ready for that reason alone, and back by itself', {
  timeout: 90_000,
}, async () => {
  const { asked, monitor, seen, ready } = await watch()
  await ready()
  seen.length = 0
  await controller.killDatabase()
  await expect.poll(() => monitor.snapshot().ready, patience).toBe(false)
  await expect.poll(() => named(monitor.snapshot(), 'web')?.consequenceOf, patience).toBe('database')
  expect(monitor.snapshot().reason).toMatchObject({ code: 'DATABASE_DOWN' })
  expect(monitor.snapshot().everReady).toBe(true)
  expect(monitor.unhealthySince()).toBeLessThanOrEqual(systemClock.now())
  // The web server's failure was never the reason, not even for a moment.
  expect(seen.filter((snapshot) => snapshot.reason.code === 'WEB_DOWN')).toEqual([])
  await controller.reviveDatabase()
  await ready()
  expect(monitor.unhealthySince()).toBeUndefined()
  // At no moment does everything work and the controller is not ready all the same.
  const works = ({ everReady, conditions }: HealthSnapshot) =>
    everReady && conditions.every(({ status }) => status === 'ok')
  expect(asked.some(works)).toBe(true)
  expect(asked.filter((snapshot) => works(snapshot) && !snapshot.ready)).toEqual([])
})

// The first one is the control: what the second must not tell, it would.
it.each([
  { failureThreshold: 2, told: ['device-port failing'] },
  { failureThreshold: 100, told: [] },
])(
  'a device port that is away for three rounds with a threshold of $failureThreshold',
  {
    timeout: 60_000,
  },
  async ({ failureThreshold, told }) => {
    const { monitor, history, ready } = await watch({ health: { failureThreshold } })
    await ready()
    history.length = 0
    await controller.closeDevicePort()
    // Each round asks the web server once. The third one's probe of the device port has ended when the fourth has begun.
    const rounds = () => controller.web.requests.filter((path) => path === infoPath).length
    const before = rounds()
    await expect.poll(rounds, patience).toBeGreaterThan(before + 4)
    const { ready: still } = monitor.snapshot()
    await controller.openDevicePort()
    expect(history.filter((line) => line.startsWith('device-port'))).toEqual(told)
    expect(still).toBe(told.length === 0)
  },
)

it('waits for what is missing and says what it waits for', { timeout: 60_000 }, async () => {
  controller.web.answers.set(infoPath, { status: 503 })
  const { monitor, ready } = await watch()
  await expect
    .poll(() => monitor.snapshot().reason.message, patience)
    .toMatch(/^MongoDB.* up, waiting for the web server$/)
  expect(named(monitor.snapshot(), 'web')?.status).toBe('unknown')
  controller.web.json(infoPath, { errorCode: 0 })
  await ready()
})

it('a database that may crash has to live for a while before all is ready, and anew when it ended', {
  timeout: 90_000,
}, async () => {
  const { monitor, ready } = await watch({ crashProvingSeconds: 10 })
  const answers = () => expect.poll(() => monitor.snapshot().reason.message, patience).toContain('lived for 10 s')
  await answers()
  await controller.killDatabase()
  await expect.poll(() => named(monitor.snapshot(), 'database')?.status, patience).toBe('failing')
  const revived = systemClock.now()
  await controller.reviveDatabase()
  await answers()
  await ready()
  expect(systemClock.now() - revived).toBeGreaterThan(10_000)
})

it('says that the time to start is over, and is ready nevertheless when it comes', { timeout: 90_000 }, async () => {
  await controller.mongo.stop()
  const { monitor, ready } = await watch({ health: { startupSeconds: 10 } })
  await expect.poll(() => monitor.snapshot().reason.code, patience).toBe('CONTROLLER_START_TIMEOUT')
  expect(monitor.unhealthySince()).toBeUndefined()
  await expect.poll(() => named(monitor.snapshot(), 'database')?.reason.code, patience).toBe('DATABASE_DOWN')
  await controller.mongo.start()
  await ready()
})

it('starts over when the namespace changes and forgets all when the container goes', { timeout: 60_000 }, async () => {
  const { monitor, warnings, history, ready } = await watch()
  await ready()
  monitor.setTarget({ containerId: 'c1', address: '127.0.0.1', sandboxKey: '/run/netns/b' })
  expect(monitor.snapshot()).toMatchObject({ ready: false, everReady: false })
  expect(monitor.snapshot()).not.toHaveProperty('version')
  await ready()
  monitor.setTarget({ containerId: 'c1', address: '127.0.0.1', sandboxKey: '/run/netns/b' })
  expect(monitor.snapshot().ready).toBe(true)
  await controller.killDatabase()
  await expect.poll(() => named(monitor.snapshot(), 'database')?.status, patience).toBe('failing')
  warnings.source({ name: 'other' }).raise('web', { code: 'WEB_DOWN', message: 'no answer', remedy: 'logs' })
  expect(warnings.list()).toEqual([])
  const told = history.length
  monitor.setTarget(undefined)
  // What failed in it has neither come back nor does it fail on, as the cause of anything.
  expect(history).toHaveLength(told)
  expect(warnings.list().map(({ code }) => code)).toEqual(['WEB_DOWN'])
  const snapshot = monitor.snapshot()
  expect(snapshot.reason.message).toBe('the container is not running')
  expect(new Set(snapshot.conditions.map(({ status }) => status))).toEqual(new Set(['unknown']))
})

it('asks an external database from here and the UDP table from inside', { timeout: 60_000 }, async () => {
  const { monitor, ready } = await watch({ uri: `mongodb://127.0.0.1:${controller.ports.database}/` })
  await ready()
  expect(named(monitor.snapshot(), 'database')?.detail).toMatch(/^MongoDB 8/)
})

it('says that it cannot look inside a namespace that it does not know', { timeout: 60_000 }, async () => {
  const { monitor } = await watch({ sandboxKey: null })
  await expect.poll(() => monitor.snapshot().reason.code, patience).toBe('PROBE_FAILED')
  expect(monitor.snapshot().ready).toBe(false)
})
