import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Chosen } from '../../../src/config/chosen.ts'
import { newestDefaults } from '../../../src/config/kept-defaults.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { ApplianceError, type Fault } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/logger.ts'
import type { MachineFacts } from '../../../src/host/controller/machine.ts'
import { Reconciler } from '../../../src/host/controller/reconciler.ts'
import { type ApplianceRecord, emptyRecord } from '../../../src/host/controller/record.ts'
import type { ContainerNetwork, ControllerSnapshot } from '../../../src/host/controller/snapshot.ts'
import type { Engine } from '../../../src/host/engine/engine.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeEngine } from './fake-engine.ts'

export const silent = createLogger({ level: 'silent', format: 'json', write: () => {} })
export const forever = new AbortController().signal

/** A machine on which everything works. */
export const machine: MachineFacts = {
  architecture: 'amd64',
  cpuFlags: new Set(['fpu', 'avx']),
  kernel: '6.12.41+deb13-amd64',
  memoryMegabytes: 4096,
  timezone: 'Europe/Berlin',
  cgroups: { mode: 'unified', unifiedControllers: ['cpu', 'memory'] },
  routes: async () => [],
  containerWay: async () => undefined,
  freeMegabytes: async () => 50_000,
  names: async () => ({ servers: ['192.0.2.53'], served: false }),
  processRuns: () => true,
  listensIn: async () => undefined,
  mountOf: async () => undefined,
  whyNoLocks: async () => undefined,
  directoryThere: async () => true,
  lookAtDirectory: async () => ({ there: 'unknown' }),
  findLockHolder: async () => undefined,
}

/** A reconciler over an engine in memory, with a clock that the test moves. It ends with the test. */
export function appliance(
  options: {
    config?: object
    chosen?: Chosen
    version?: string
    machine?: Partial<MachineFacts>
    engine?: FakeEngine
    connect?: () => Promise<Engine>
    guard?: (network: ContainerNetwork, signal: AbortSignal) => Promise<void>
    /** What is remembered of an appliance before. */
    memory?: Memory
  } = {},
) {
  const config = configSchema.parse(options.config ?? {})
  const engine = options.engine ?? new FakeEngine(config.controller.image)
  const clock = new ManualClock()
  const ready: { now: boolean; omadacId?: string } = { now: false }
  const memory = options.memory ?? new Memory()
  const history: string[] = []
  const snapshots: ControllerSnapshot[] = []
  const logged: string[] = []
  const reconciler = new Reconciler({
    defaults: newestDefaults,
    config,
    chosen: options.chosen ?? {},
    live: () => config,
    logger: createLogger({ level: 'error', format: 'human', write: (line) => void logged.push(line) }),
    clock,
    connect: options.connect ?? (async () => engine),
    certificateSource: '/run/omada-host-certificate',
    machine: { ...machine, ...options.machine },
    version: options.version ?? '1.0.0',
    ready: () => ready.now,
    guard: options.guard ?? (async () => {}),
    omadacId: () => ready.omadacId,
    recordFile: memory,
  })
  onTestFinished(() => reconciler.stop())
  reconciler.steps.on((step) => history.push(step.message))
  reconciler.changed.on((snapshot) => snapshots.push(snapshot))
  const lifecycle = () => reconciler.snapshot().lifecycle
  const { name } = config.controller
  return { config, engine, clock, ready, history, snapshots, logged, reconciler, lifecycle, name, memory }
}

/** A record without a file: a clock that the test moves does not wait for a disk. */
export class Memory {
  record = emptyRecord
  /** While set, it cannot be read. */
  fault: Fault | undefined

  async read(): Promise<ApplianceRecord> {
    if (this.fault !== undefined) throw new ApplianceError(this.fault)
    return this.record
  }

  async write(record: ApplianceRecord): Promise<void> {
    this.record = record
  }
}

/** A directory that goes with the test. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'omada-host-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The same, started. */
export async function started(options: Parameters<typeof appliance>[0] = {}) {
  const all = appliance(options)
  await all.reconciler.start(forever)
  return all
}

/** The same with a controller that runs; what the engine did for that is forgotten. */
export async function up(options: Parameters<typeof appliance>[0] = {}) {
  const all = await started(options)
  await all.clock.until(() => all.lifecycle() === 'starting')
  all.engine.calls.length = 0
  return all
}
