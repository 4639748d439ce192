import { describe, expect, it, test } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { Warnings } from '../../src/core/warnings.ts'
import { derivePhase, HostBook, historyLimit, probeTarget } from '../../src/host/book.ts'
import type { ControllerSnapshot } from '../../src/host/controller/snapshot.ts'
import type { HealthSnapshot } from '../../src/host/health/monitor.ts'
import type { HostState, ImageCheck } from '../../src/ipc/host-state.ts'

const facts = { image: 'omada:6.2', address: '10.129.81.10', containerId: 'abc' }
const controllerPart = (changes: Partial<ControllerSnapshot> = {}): ControllerSnapshot => ({
  lifecycle: 'running',
  reason: { message: 'from the reconciler' },
  facts,
  engine: 'podman',
  network: { subnet: '10.129.81.0/24', bridge: 'br-omada' },
  warnings: [],
  storage: {},
  ...changes,
})
const healthPart = (changes: Partial<HealthSnapshot> = {}): HealthSnapshot => ({
  ready: false,
  everReady: false,
  reason: { message: 'from the probes' },
  conditions: [{ name: 'database', status: 'ok', reason: { message: 'answers' }, since: '' }],
  version: '6.2.0',
  ...changes,
})

/** A book over parts that the test changes, at a time that it sets, with the log and every state that was told. */
function scene() {
  const time = { second: 0 }
  const clock = { now: () => time.second * 1000, wall: () => time.second * 1000, sleep: async () => {} }
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line.slice(13).trim()) })
  const warnings = new Warnings({ logger, clock })
  const parts = { controller: controllerPart(), health: healthPart(), images: undefined as ImageCheck | undefined }
  const book = new HostBook({
    sources: {
      controller: () => parts.controller,
      health: () => parts.health,
      images: () => parts.images,
      warnings,
    },
    logger,
    clock,
    version: '1.0.0',
  })
  const told: HostState[] = []
  book.state.changed.on((state) => told.push(state))
  return { time, lines, warnings, parts, book, told, state: () => book.state.get() }
}

const at = (second: number) => new Date(second * 1000).toISOString()

describe('derivePhase', () => {
  it.each([
    ['pulling', false, false, 'pulling', 'from the reconciler'],
    ['failed', false, true, 'failed', 'from the reconciler'],
    ['stopping', true, true, 'stopping', 'from the reconciler'],
    ['starting', false, false, 'starting', 'from the probes'],
    ['running', false, false, 'starting', 'from the probes'],
    ['running', true, true, 'ready', 'from the probes'],
    ['running', false, true, 'degraded', 'from the probes'],
  ] as const)('%s, ready %s, ever ready %s is %s', (lifecycle, ready, everReady, phase, message) => {
    expect(derivePhase(controllerPart({ lifecycle }), healthPart({ ready, everReady }))).toEqual({
      phase,
      reason: { message },
    })
  })
})

test('before anything is known it says that it starts, with the configured image and address', () => {
  expect(scene().state()).toMatchObject({
    phase: 'creating',
    since: at(0),
    appliance: { version: '1.0.0', startedAt: at(0) },
    controller: { image: 'omada:6.2', address: '10.129.81.10' },
    history: [],
  })
})

test('since moves and the history grows only when the phase changes; nobody is told of the same', () => {
  const { time, parts, book, told, state } = scene()
  time.second = 1
  book.publish()
  expect(state()).toMatchObject({ phase: 'starting', since: at(1), controller: { version: '6.2.0' } })
  expect(state().history).toEqual([
    { at: at(1), subject: 'phase', from: 'creating', to: 'starting', message: 'from the probes' },
  ])
  time.second = 2
  book.publish()
  expect(told).toHaveLength(1)
  parts.health = healthPart({ reason: { message: 'MongoDB up' } })
  book.publish()
  expect(state()).toMatchObject({ since: at(1), reason: { message: 'MongoDB up' } })
  expect(state().history).toHaveLength(1)
  time.second = 3
  parts.health = healthPart({ ready: true, everReady: true })
  book.publish()
  expect(state().since).toBe(at(3))
  expect(state().history).toHaveLength(2)
  expect(told).toHaveLength(3)
})

test('a change of phase is logged once with its reason, and so is another reason for the same phase', () => {
  const { parts, book, lines } = scene()
  const fault = { code: 'DATABASE_DOWN', message: 'MongoDB is down', remedy: 'omada-host logs' } as const
  book.publish()
  parts.health = healthPart({ everReady: true, reason: fault })
  book.publish()
  book.publish({ portHolders: [{ protocol: 'tcp', port: 8043, pid: 812, process: 'nginx' }] })
  parts.health = healthPart({ ready: true, everReady: true, reason: { message: 'the controller is ready' } })
  book.publish()
  expect(lines).toEqual([
    'INFO  starting: from the probes',
    'ERROR degraded: MongoDB is down code=DATABASE_DOWN remedy=omada-host logs',
    'INFO  ready: the controller is ready',
  ])
})

test('there are no conditions of a controller that does not run', () => {
  const { parts, book, state } = scene()
  book.publish()
  expect(state().conditions).toHaveLength(1)
  parts.controller = controllerPart({ lifecycle: 'stopped' })
  book.publish()
  expect(state()).toMatchObject({ phase: 'stopped', reason: { message: 'from the reconciler' }, conditions: [] })
})

test('holders of ports stay as last seen, warnings and the image check are as they are now', () => {
  const { parts, book, warnings, state } = scene()
  const holder = { protocol: 'tcp', port: 8043, pid: 812, process: 'nginx' } as const
  book.publish({ portHolders: [holder] })
  const disk = warnings.source({ name: 'disk' })
  disk.raise('/', { code: 'DISK_LOW', message: 'nearly full', remedy: 'free space' })
  parts.images = { checkedAt: at(1), newDigest: 'sha256:1', newerTags: [] }
  book.publish()
  expect(state()).toMatchObject({
    portHolders: [holder],
    warnings: [{ code: 'DISK_LOW', severity: 'warning', since: at(0) }],
    images: { newDigest: 'sha256:1' },
  })
  disk.clear('/')
  parts.images = { checkedAt: at(1), newerTags: [] }
  book.publish()
  expect(state()).toMatchObject({ portHolders: [holder], warnings: [] })
  expect(state().images).not.toHaveProperty('newDigest')
})

test('steps enter the history as done, at their time; the oldest entries are given up', () => {
  const { time, parts, book, state } = scene()
  time.second = 7
  book.remember({ subject: 'controller', message: 'pulled the image' })
  expect(state().history).toEqual([{ at: at(7), subject: 'controller', to: 'done', message: 'pulled the image' }])
  for (let round = 0; round < 2 * historyLimit; round += 1) {
    time.second = 8 + round
    parts.health = healthPart({ ready: round % 2 === 0, everReady: true })
    book.publish()
  }
  expect(state().history).toHaveLength(historyLimit)
  expect(state().history.at(-1)?.at).toBe(at(7 + 2 * historyLimit))
})

test('the probes look at the container while it runs, in its namespace where that is known', () => {
  const target = { containerId: 'abc', address: '10.129.81.10' }
  expect(probeTarget(controllerPart())).toEqual(target)
  expect(probeTarget(controllerPart({ lifecycle: 'starting', sandboxKey: '/run/netns/1' }))).toEqual({
    ...target,
    sandboxKey: '/run/netns/1',
  })
  for (const lifecycle of ['pulling', 'creating', 'stopping', 'stopped', 'failed'] as const) {
    expect(probeTarget(controllerPart({ lifecycle }))).toBeUndefined()
  }
  const { containerId: _, ...unknown } = facts
  expect(probeTarget(controllerPart({ facts: unknown }))).toBeUndefined()
})
