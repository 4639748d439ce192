import { afterEach, beforeEach, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { controllerProbePorts } from '../../src/host/health/controller-probes.ts'
import { HealthMonitor } from '../../src/host/health/monitor.ts'
import { inNetworkNamespace, ProbeProcess } from '../../src/host/health/probe-process.ts'
import { Child } from '../support/child.ts'
import { FakeController } from '../support/health-controller.ts'
import { probeCommand, runs, silent } from '../support/health-process.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'

const patience = { timeout: 60_000 }
const path = (namespace: Namespace) => `/run/netns/${namespace.name}`
let ledger: Ledger
let one: Namespace
let other: Namespace
let outside: FakeController
let monitor: HealthMonitor

beforeEach(async () => {
  ledger = await Ledger.open('omada-host-health-')
  one = await Namespace.make(ledger, `oh-health-a-${process.pid}`)
  other = await Namespace.make(ledger, `oh-health-b-${process.pid}`)
  // The web server and the device port are looked at from here, the database and the UDP ports from inside.
  outside = await FakeController.start()
  const config = configSchema.parse({ health: { intervalSeconds: 1 } })
  monitor = new HealthMonitor({
    databaseMayCrash: () => false,
    config,
    live: () => config,
    logger: silent,
    clock: systemClock,
    warnings: new Warnings({ logger: silent, clock: systemClock }),
    probeCommand,
    ports: { ...controllerProbePorts, info: outside.ports.info, web: outside.ports.web, device: outside.ports.device },
  })
  await monitor.start(AbortSignal.timeout(10_000))
})
afterEach(async () => {
  await monitor.stop()
  await outside.close()
  await ledger.close()
})

/** The stand-in controller inside a namespace, on its real ports. */
function controllerIn(namespace: Namespace, version: string): Promise<Child> {
  return Child.start(ledger, {
    what: `stand-in ${version} in ${namespace.name}`,
    argv: namespace.enter([process.execPath, 'test/standin/controller/main.ts']),
    environment: { STANDIN_VERSION: version, STANDIN_DATA_DIR: `${ledger.directory}/${namespace.name}` },
  })
}

const target = (namespace: Namespace) => ({ containerId: 'c', address: '127.0.0.1', sandboxKey: path(namespace) })
const database = () => monitor.snapshot().conditions.find(({ name }) => name === 'database')
const ready = () => expect.poll(() => monitor.snapshot().ready, patience).toBe(true)

it('sees MongoDB 3.6 and 8 and the UDP ports inside, and follows the controller to another namespace', async () => {
  const first = await controllerIn(one, '5.15.24.19')
  monitor.setTarget(target(one))
  await ready()
  expect(database()?.detail).toMatch(/^MongoDB 3\.6\.8, /)
  expect(monitor.snapshot().conditions.map(({ status }) => status)).toEqual(Array(7).fill('ok'))

  await first.stop('SIGTERM', 30_000)
  await expect.poll(() => monitor.snapshot().ready, patience).toBe(false)
  expect(monitor.snapshot().reason.code).toBe('DATABASE_DOWN')

  await controllerIn(other, '6.2.0.17')
  monitor.setTarget(target(other))
  await ready()
  expect(database()?.detail).toMatch(/^MongoDB 8\.0\./)
})

it('sees nothing of what listens outside the namespace', async () => {
  await controllerIn(other, '6.2.0.17')
  monitor.setTarget(target(one))
  await expect
    .poll(() => database()?.reason.message, patience)
    .toBe('not there yet: connect ECONNREFUSED 127.0.0.1:27217')
  const discovery = monitor.snapshot().conditions.find(({ name }) => name === 'discovery')
  expect(discovery?.reason.message).toBe('not there yet: UDP 29810 is not bound')
})

it('says which namespace cannot be entered', async () => {
  monitor.setTarget({ containerId: 'c', address: '127.0.0.1', sandboxKey: '/run/netns/oh-health-none' })
  await expect.poll(() => monitor.snapshot().reason.code, patience).toBe('PROBE_FAILED')
  expect(monitor.snapshot().reason.message).toContain('/run/netns/oh-health-none')
})

it('leaves no process behind in a namespace', async () => {
  const probe = new ProbeProcess({
    logger: silent,
    clock: systemClock,
    command: inNetworkNamespace(path(one), probeCommand),
    onWritable: () => {},
  })
  probe.start()
  try {
    await probe.boundUdpPorts(AbortSignal.timeout(30_000))
    const pid = probe.pid ?? 0
    expect(await one.run(['ip', 'netns', 'pids', one.name ?? ''])).toContain(String(pid))
    await probe.stop()
    expect(await runs(pid)).toBe(false)
  } finally {
    await probe.stop()
  }
})
