import { describe, expect, test } from 'vitest'
import { newestDefaults } from '../../../src/config/kept-defaults.ts'
import type { LockHolder } from '../../../src/linux/file-locks.ts'
import { dataFiles, imageVersionFile, markFile } from '../../../src/omada/data-directory.ts'
import { dataDirectory } from '../../../src/omada/image-contract.ts'
import { FakeEngine } from './fake-engine.ts'
import { appliance, forever, Memory, started, up } from './fixture.ts'

const inData = (name: string) => `${dataDirectory}/${name}`
const turtle = (version: string) => `WiredTiger version string\nWiredTiger ${version}: (June 1, 2024)\n`

/** An appliance whose controller has been ready, and has a database. */
async function remembered(options: Parameters<typeof appliance>[0] = {}) {
  const all = await up(options)
  all.engine.files.set(inData(dataFiles.storageEngine), turtle('11.3.0'))
  Object.assign(all.ready, { now: true, omadacId: 'abc' })
  await all.clock.until(() => all.memory.record.controller !== undefined, 1000)
  return all
}

/** The next start of the appliance, on the same engine, with its container stopped. */
async function again(
  before: Awaited<ReturnType<typeof remembered>>,
  config: object = {},
  machine: NonNullable<Parameters<typeof appliance>[0]>['machine'] = {},
) {
  await before.reconciler.stop()
  before.engine.change(before.name, { status: 'exited' })
  before.engine.calls.length = 0
  return await started({ engine: before.engine, memory: before.memory, config, machine })
}

describe('a controller that is ready', () => {
  test('is remembered with its place, and its place is marked', async () => {
    const { engine, history, memory, reconciler } = await remembered()
    const mark = engine.files.get(inData(markFile))?.trim()
    expect(mark).toMatch(/^[0-9a-f]{32}$/)
    expect(memory.record).toEqual({
      version: 1,
      controller: { omadacId: 'abc', place: 'omada-data', mark },
      container: { id: 'container-1', version: '1.0.0' },
      defaults: newestDefaults,
    })
    expect(history).toContain('noted that the controller abc is in omada-data')
    expect(engine.calls).toEqual([])
    expect(reconciler.snapshot()).toMatchObject({ lifecycle: 'running', warnings: [] })
  })

  test('is remembered as soon as the probes say so, without waiting for the next look', async () => {
    const { clock, ready, memory, reconciler } = await up()
    await clock.until(() => clock.sleeping)
    Object.assign(ready, { now: true, omadacId: 'abc' })
    const before = clock.now()
    reconciler.probed()
    await clock.until(() => memory.record.controller?.omadacId === 'abc')
    expect(clock.now()).toBe(before)
  })

  test('starts again on its place, and on the place it was moved to, without a word', async () => {
    const first = await remembered()
    const second = await again(first)
    await second.clock.until(() => second.lifecycle() === 'starting')
    expect(second.engine.calls).toEqual(['start'])
    await second.reconciler.stop()
    const third = await again({ ...first, ...second }, { controller: { dataVolume: 'omada-moved' } })
    await third.clock.until(() => third.lifecycle() === 'starting')
    Object.assign(third.ready, { now: true, omadacId: 'abc' })
    await third.clock.until(() => first.memory.record.controller?.place === 'omada-moved', 1000)
  })

  test('of an external database is not known by its place', async () => {
    const { engine, ready, clock, lifecycle, memory } = await up({
      config: { mongo: { uri: 'mongodb://db/omada' } },
    })
    Object.assign(ready, { now: true, omadacId: 'abc' })
    await clock.until(() => lifecycle() === 'running', 1000)
    expect(memory.record.controller).toBeUndefined()
    expect(engine.files.size).toBe(0)
  })
})

describe('a place that is not what it was', () => {
  test('starts nothing, waits for it, and goes on by itself', async () => {
    const first = await remembered()
    const files = new Map(first.engine.files)
    first.engine.files.clear()
    const { engine, clock, lifecycle, reconciler } = await again(first)
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_CHANGED',
      message: expect.stringContaining('omada-data has no database, but the controller abc was there'),
    })
    expect(engine.calls).toEqual([])
    engine.files = files
    await clock.until(() => lifecycle() === 'starting', 1000)
  })

  test('is begun on when the user says so, and remembered anew', async () => {
    const first = await remembered()
    first.engine.files.clear()
    const { clock, lifecycle, reconciler, ready } = await again(first)
    await clock.until(() => lifecycle() === 'failed')
    const { message } = await reconciler.requestAcknowledge('DATA_CHANGED', forever)
    expect(message).toContain('begins with what is in omada-data')
    expect(lifecycle()).toBe('starting')
    expect(first.memory.record).toMatchObject({ version: 1, confirmedPlace: 'omada-data' })
    Object.assign(ready, { now: true, omadacId: 'def' })
    await clock.until(() => first.memory.record.controller?.omadacId === 'def', 1000)
    expect(first.memory.record.confirmedPlace).toBeUndefined()
  })

  test('cannot be acknowledged when nothing is wrong with it', async () => {
    const { reconciler } = await remembered()
    for (const code of ['DATA_CHANGED', 'CONTROLLER_KILLED', 'DISK_FULL']) {
      await expect(reconciler.requestAcknowledge(code, forever)).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
    }
  })

  test('is not judged by a record that cannot be read, which is told and left as it is', async () => {
    const memory = new Memory()
    memory.fault = { code: 'RECORD_UNUSABLE', message: 'of another version', remedy: '-' }
    const { reconciler, clock, ready, lifecycle } = await up({ memory })
    Object.assign(ready, { now: true, omadacId: 'abc' })
    await clock.until(() => lifecycle() === 'running', 1000)
    expect(reconciler.snapshot().warnings).toMatchObject([{ code: 'RECORD_UNUSABLE' }])
    expect(memory.record).toEqual({ version: 1 })
  })
})

describe('before anything is written', () => {
  test('an empty directory beside one that has a database is refused, and used when the user says so', async () => {
    const { engine, clock, lifecycle, reconciler } = await started({
      config: { controller: { dataVolume: '/srv' } },
      machine: { lookAtDirectory: async () => ({ there: true, database: false, elsewhere: '/srv/data' }) },
    })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_ELSEWHERE',
      remedy: expect.stringContaining('set controller.dataVolume: /srv/data;'),
    })
    expect(engine.calls).toEqual([])
    await reconciler.requestAcknowledge('DATA_ELSEWHERE', forever)
    expect(lifecycle()).toBe('starting')
  })

  test.each(['dataVolume', 'logsVolume'])('a %s that is not there is not made', async (key) => {
    const { engine, clock, lifecycle, reconciler } = await started({
      config: { controller: { [key]: '/srv/no-such-directory' } },
      machine: { directoryThere: async () => false, lookAtDirectory: async () => ({ there: false }) },
    })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DIRECTORY_MISSING',
      message: expect.stringContaining(`controller.${key}`),
      remedy: expect.stringContaining('mkdir -p /srv/no-such-directory'),
    })
    expect(engine.calls).toEqual([])
  })

  test('a v5 database without a last version does not meet a v6 image', async () => {
    const all = appliance()
    all.engine.files.set(inData(dataFiles.storageEngine), turtle('3.1.0'))
    all.engine.files.set(imageVersionFile, '6.2.0.17\n')
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'failed')
    expect(all.reconciler.snapshot().reason.code).toBe('CONTROLLER_OLD_DATABASE')
    expect(all.engine.calls).toEqual(['pull', 'create-network', 'create'])
  })

  test('a database that is open elsewhere is left alone, and taken when it is free', async () => {
    let holder: LockHolder | undefined = { pid: 7, process: 'mongod', unit: 'tpeap.service' }
    const { clock, lifecycle, reconciler } = await started({ machine: { findLockHolder: async () => holder } })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_IN_USE',
      message: expect.stringContaining('mongod (process 7) of tpeap.service'),
      remedy: expect.stringContaining('systemctl disable --now tpeap.service'),
    })
    holder = undefined
    await clock.until(() => lifecycle() === 'starting', 1000)
  })

  test.each([
    ['ntfs3', false, 'MongoDB cannot work on it', 'ext4'],
    ['ext4', true, 'it is mounted read-only', 'mount -o remount,rw /mnt/usb'],
  ])('a place on %s, read-only: %s, is refused by name', async (type, readOnly, message, remedy) => {
    const mount = { type, readOnly, source: '/dev/sdb1', point: '/mnt/usb', device: '8:17' }
    const { engine, clock, lifecycle, reconciler } = await started({ machine: { mountOf: async () => mount } })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_FILE_SYSTEM',
      message: expect.stringMatching(new RegExp(`${type} \\(/dev/sdb1, mounted at /mnt/usb\\).*${message}`)),
      remedy: expect.stringContaining(remedy),
    })
    expect(engine.calls).not.toContain('start')
  })

  test('a place on which nothing can be given to the controller is refused, in the words of the engine', async () => {
    const all = appliance({
      machine: {
        mountOf: async () => ({ type: 'nfs4', readOnly: false, source: 'nas:/omada', point: '/srv', device: '0:60' }),
      },
    })
    all.engine.putFault = {
      code: 'ENGINE_REQUEST',
      message: 'lchown .omada-host-id: operation not permitted',
      remedy: '-',
    }
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'failed')
    expect(all.reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_FILE_SYSTEM',
      message: expect.stringMatching(/nfs4 \(nas:\/omada.*operation not permitted/),
    })
    all.engine.putFault = undefined
    await all.clock.until(() => all.lifecycle() === 'starting', 1000)
  })

  test('a place without locks is refused, in the words of the kernel', async () => {
    const { engine, clock, lifecycle, reconciler } = await started({
      machine: {
        mountOf: async () => ({ type: 'nfs', readOnly: false, source: 'nas:/omada', point: '/srv', device: '0:60' }),
        whyNoLocks: async () => 'No locks available',
      },
    })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason).toMatchObject({
      code: 'DATA_FILE_SYSTEM',
      message: expect.stringMatching(/nfs \(nas:\/omada.*cannot be locked there \(No locks available\)/),
    })
    expect(engine.calls).not.toContain('start')
  })

  test('a place that was used before is tried again on another file system only', async () => {
    let source = '/dev/sda1'
    const machine = {
      mountOf: async () => ({ type: 'ext4', readOnly: false, source, point: '/', device: '8:1' }),
    }
    const first = await remembered({ machine })
    first.engine.putFault = { code: 'ENGINE_REQUEST', message: 'no', remedy: '-' }
    const second = await again(first, {}, machine)
    await second.clock.until(() => second.lifecycle() === 'starting')

    source = 'nas:/omada'
    const third = await again(second, {}, machine)
    await third.clock.until(() => third.lifecycle() === 'failed')
    expect(third.reconciler.snapshot().reason.code).toBe('DATA_FILE_SYSTEM')
    third.engine.putFault = undefined
    await third.clock.until(() => third.lifecycle() === 'starting', 1000)

    third.engine.putFault = { code: 'ENGINE_REQUEST', message: 'no', remedy: '-' }
    const fourth = await again(third, {}, machine)
    await fourth.clock.until(() => fourth.lifecycle() === 'starting')
  })

  test('a database that does not tell who used it last is none that is new', async () => {
    const all = appliance()
    all.engine.files.set(inData(dataFiles.storageEngine), turtle('11.3.0'))
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'starting')
    expect(all.history).toContain('the data in omada-data do not tell which controller used them last')
  })
})

describe('a stop', () => {
  const killed = { exitCode: 137, outOfMemory: false }
  const stopped = async (engine: FakeEngine) => {
    const all = await up({ engine })
    await all.reconciler.requestStop(forever)
    return all
  }
  const engineWith = (end: FakeEngine['end'], lock?: string) => {
    const engine = new FakeEngine('docker.io/mbentley/omada-controller:6.3')
    engine.end = end
    if (lock !== undefined) engine.files.set(inData(dataFiles.lock), lock)
    return engine
  }

  test('that cut the database off stays a problem, over restarts, until it is acknowledged', async () => {
    const first = await stopped(engineWith(killed, '42\n'))
    const told = [
      { code: 'CONTROLLER_KILLED', message: expect.stringMatching(/killed .*within its 120 s; its database was open/) },
    ]
    expect(first.reconciler.snapshot().warnings).toMatchObject(told)
    expect(first.history.at(-1)).toContain('its database was open')
    const second = await again(first)
    await second.clock.until(() => second.lifecycle() === 'starting')
    expect(second.reconciler.snapshot().warnings).toMatchObject(told)
    await second.reconciler.requestAcknowledge('CONTROLLER_KILLED', forever)
    expect(second.reconciler.snapshot().warnings).toEqual([])
    expect(first.memory.record.killed).toBeUndefined()
  })

  test.each<[string, FakeEngine['end'], string | undefined, RegExp]>([
    ['in order', { exitCode: 143, outOfMemory: false }, '', /^stopped the controller$/],
    ['of java that lingered after its database was closed', killed, '', /killed .*after its database was closed$/],
    ['before there was a database', killed, undefined, /^stopped the controller: it was killed/],
  ])('%s leaves no problem', async (_, end, lock, message) => {
    const { reconciler, history } = await stopped(engineWith(end, lock))
    expect(history.at(-1)).toMatch(message)
    expect(reconciler.snapshot().warnings).toEqual([])
  })

  test.each<[string, FakeEngine['end'], RegExp]>([
    ['for want of memory', { exitCode: 137, outOfMemory: true }, /ran out of memory while it stopped/],
    [
      'before its database, though with the right exit code',
      { exitCode: 143, outOfMemory: false },
      /exit code 143; its database/,
    ],
  ])('of a controller that ended %s is told as that', async (_, end, message) => {
    const { reconciler } = await stopped(engineWith(end, '42\n'))
    expect(reconciler.snapshot().warnings).toMatchObject([
      { code: 'CONTROLLER_KILLED', message: expect.stringMatching(message) },
    ])
  })

  test('that did not reach the controller starts no second one beside it, and goes on when it has ended', async () => {
    let lives = true
    const all = await up({ machine: { processRuns: () => lives } })
    const stop = all.engine.stop.bind(all.engine)
    all.engine.stop = async (id, graceSeconds, signal) => {
      await stop(id, graceSeconds, signal)
      all.engine.change(all.name, { exitCode: -1, pid: 42 })
    }
    await expect(all.reconciler.requestRestart(forever)).rejects.toMatchObject({ code: 'CONTROLLER_NOT_STOPPED' })
    all.engine.calls.length = 0
    await all.clock.until(() => false, 100).catch(() => {})
    expect(all.engine.calls).toEqual([])
    expect(all.reconciler.snapshot()).toMatchObject({ reason: { code: 'CONTROLLER_NOT_STOPPED' } })
    lives = false
    await all.clock.until(() => all.lifecycle() === 'starting', 1000)
    expect(all.engine.calls).toEqual(['start'])
  })

  test('of a controller whose database is elsewhere says nothing of a lock', async () => {
    const engine = engineWith(killed, '42\n')
    const all = await up({ engine, config: { mongo: { uri: 'mongodb://db/omada' } } })
    await all.reconciler.requestStop(forever)
    expect(all.reconciler.snapshot().warnings).toEqual([])
    expect(all.history.at(-1)).toContain('was killed')
  })
})
