import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { ProbeProcess } from '../../../src/host/health/probe-process.ts'
import { MongoServer } from '../../standin/mongo/server.ts'
import { probeCommand, runs, silent } from '../../support/health-process.ts'

let mongo: MongoServer
let databaseUri: string
const started: ProbeProcess[] = []

beforeEach(async () => {
  mongo = new MongoServer({ pose: '8.0', host: '127.0.0.1', port: 0 })
  databaseUri = `mongodb://127.0.0.1:${await mongo.start()}/?directConnection=true&appName=s3cret`
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((probe) => probe.stop()))
  await mongo.stop()
})

const soon = () => AbortSignal.timeout(15_000)

function start(command = probeCommand, onWritable = () => {}, clock: Clock = systemClock): ProbeProcess {
  const probe = new ProbeProcess({ logger: silent, clock, command, databaseUri, onWritable })
  started.push(probe)
  probe.start()
  return probe
}

it('asks the child for the database and the bound ports, and hears of a writable server', async () => {
  let writable = 0
  const probe = start(probeCommand, () => writable++)
  expect(await probe.database(soon())).toMatchObject({ pingOk: true, writable: true, version: '8.0.15' })
  expect(await probe.boundUdpPorts(soon())).toBeInstanceOf(Set)
  expect(writable).toBe(1)
})

it('speaks to MongoDB 3.6 by another child, with the driver that can', async () => {
  const old = new MongoServer({ pose: '3.6', host: '127.0.0.1', port: 0 })
  databaseUri = `mongodb://127.0.0.1:${await old.start()}/?directConnection=true`
  try {
    const probe = start()
    const first = probe.pid
    expect(await probe.database(soon())).toMatchObject({ pingOk: false, tooOldForDriver: true })
    await expect
      .poll(() => probe.database(soon()).catch(() => undefined), { timeout: 15_000 })
      .toMatchObject({ pingOk: true, writable: true, version: '3.6.8' })
    expect(probe.pid).not.toBe(first)
  } finally {
    await old.stop()
  }
})

it('is the first to be killed when memory runs out', async () => {
  const probe = start()
  await probe.boundUdpPorts(soon())
  expect(await readFile(`/proc/${probe.pid}/oom_score_adj`, 'latin1')).toBe('1000\n')
})

it('keeps the URI out of arguments and environment', async () => {
  process.env.OMADA_HOST_MONGO_URI = databaseUri
  const probe = start()
  await probe.database(soon())
  delete process.env.OMADA_HOST_MONGO_URI
  const pid = probe.pid ?? 0
  const [argv, environment] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'latin1'),
    readFile(`/proc/${pid}/environ`, 'latin1'),
  ])
  expect(argv).toContain('health-probe')
  expect(argv + environment).not.toContain('s3cret')
})

it('starts another child when one is killed', async () => {
  const probe = start()
  await probe.database(soon())
  const first = probe.pid ?? 0
  process.kill(first, 'SIGKILL')
  await expect
    .poll(() => probe.database(soon()).catch(() => undefined), { timeout: 15_000 })
    .toMatchObject({ pingOk: true })
  expect(probe.pid).not.toBe(first)
})

it('lets the child end by itself on stop', async () => {
  const probe = start()
  await probe.database(soon())
  const pid = probe.pid ?? 0
  // The time to leave is never over, so nobody is killed.
  await probe.stop(new AbortController().signal)
  expect(await runs(pid)).toBe(false)
})

it('leaves no child behind when it is stopped before the child has started', async () => {
  const probe = start()
  const pid = probe.pid ?? 0
  await probe.stop()
  expect(await runs(pid)).toBe(false)
})

it.each([
  ['is not there', ['/nonexistent/nsenter', '--net=/x'], 'the probe ended (/nonexistent/nsenter is not installed)'],
  [
    'fails',
    ['/bin/sh', '-c', 'echo cannot open namespace >&2; exit 1'],
    'the probe ended (exit code 1: cannot open namespace)',
  ],
])('says so when the command %s', async (_, command, message) => {
  const probe = start(command)
  await expect
    .poll(() => probe.database(soon()).catch((error: Error) => error.message), { timeout: 15_000 })
    .toBe(message)
})

it('gives up a question when its signal aborts', async () => {
  const probe = start(['/bin/sh', '-c', 'exec sleep 60'])
  await expect(probe.database(AbortSignal.timeout(50))).rejects.toThrow('the probe did not answer in time')
})

it('ends a child that has answered nothing for half a minute and starts another', async () => {
  let now = 0
  const probe = start(['/bin/sh', '-c', 'exec sleep 60'], () => {}, { ...systemClock, now: () => now })
  const first = probe.pid
  now = 29_000
  await expect(probe.database(AbortSignal.timeout(200))).rejects.toThrow('the probe did not answer in time')
  expect(probe.pid).toBe(first)
  now = 31_000
  await expect(probe.database(soon())).rejects.toThrow('the probe ended (signal SIGKILL)')
  await expect.poll(() => probe.pid, { timeout: 15_000 }).toBeGreaterThan(0)
  expect(probe.pid).not.toBe(first)
})

it('the child leaves when its channel closes', async () => {
  const [file = '', ...argv] = probeCommand
  const child = spawn(file, argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  child.send({ type: 'configure', databaseUri, driver: 'current' })
  await once(child, 'message')
  const exit = once(child, 'exit')
  child.disconnect()
  expect(await exit).toEqual([0, null])
})

it('the child leaves when its host is killed', async () => {
  const host = spawn(
    process.execPath,
    [
      '-e',
      `const { spawn } = require('node:child_process')
       const [file, ...argv] = ${JSON.stringify(probeCommand)}
       const child = spawn(file, argv, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], detached: true })
       child.send({ type: 'configure', driver: 'current' })
       child.once('message', () => process.send(child.pid))`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  const [pid] = await once(host, 'message')
  expect(await runs(pid)).toBe(true)
  host.kill('SIGKILL')
  await expect.poll(() => runs(pid), { timeout: 15_000 }).toBe(false)
})
