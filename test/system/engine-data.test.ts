import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newestDefaults } from '../../src/config/kept-defaults.ts'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { readMachineFacts } from '../../src/host/controller/machine.ts'
import { Reconciler } from '../../src/host/controller/reconciler.ts'
import { RecordFile } from '../../src/host/controller/record.ts'
import { connectEngine } from '../../src/host/engine/choose.ts'
import { command } from '../support/command.ts'
import { waitFor } from '../support/wait-for.ts'
import { EngineMachine } from './engine-machine.ts'
import { workingRuntime } from './support/podman.ts'

const forever = new AbortController().signal
const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const name = 'omada-controller'

let machine: EngineMachine
let deaf: string
let number = 0
const running: Reconciler[] = []

beforeAll(async () => {
  machine = await EngineMachine.open((directory) => {
    deaf = join(directory, 'deaf')
    return runtimeThatCanBeDeaf(directory, deaf)
  })
  await machine.build(EngineMachine.image)
})
afterAll(async () => {
  await machine?.close()
})
afterEach(async () => {
  rmSync(deaf, { force: true })
  for (const reconciler of running.splice(0)) {
    await reconciler.stopController(AbortSignal.timeout(60_000))
    await reconciler.stop()
  }
})

/** The OCI runtime, which delivers no signal while the file `deaf` is there, in the words that runc has under AppArmor. */
function runtimeThatCanBeDeaf(directory: string, deafFile: string): string {
  const path = join(directory, 'runtime.sh')
  writeFileSync(
    path,
    `#!/bin/sh
if [ -e ${deafFile} ]; then
  for word in "$@"; do
    if [ "$word" = kill ]; then echo 'unable to signal init: permission denied' >&2; exit 1; fi
  done
fi
exec ${workingRuntime()} "$@"
`,
  )
  chmodSync(path, 0o755)
  return path
}

/** A directory with a database of WiredTiger `version` that only the controller's user may look into. */
function place(version?: string): string {
  number += 1
  const path = join(machine.ledger.directory, `data-${number}`, 'data')
  for (const name of ['db', 'keystore']) mkdirSync(join(path, name), { recursive: true })
  const put = (file: string, text: string) => {
    writeFileSync(join(path, file), text, { mode: 0o600 })
    chownSync(join(path, file), 508, 508)
  }
  if (version !== undefined) put('db/WiredTiger.turtle', `WiredTiger version string\nWiredTiger ${version}: (June)\n`)
  put('db/mongod.lock', '')
  return path
}

function appliance(controller: { dataVolume: string } & Record<string, unknown>, graceSeconds = 60) {
  const config = configSchema.parse({
    controller: { image: EngineMachine.image, pull: 'never', ...controller },
    engine: { socket: machine.podman.socket },
    network: { name: machine.network },
  })
  const recordPath = join(machine.ledger.directory, `release-${number}.json`)
  return { config, recordPath, start }

  async function start(omadacId?: string) {
    const reconciler = new Reconciler({
      defaults: newestDefaults,
      config,
      live: () => ({ ...config, controller: { ...config.controller, stopGraceSeconds: graceSeconds } }),
      logger,
      clock: systemClock,
      connect: (signal) => connectEngine({ config, logger, signal }),
      machine: { ...(await readMachineFacts()), routes: async () => [] },
      version: '1.0.0',
      ready: () => true,
      omadacId: () => omadacId,
      certificateSource: '/run/omada-host-certificate',
      recordFile: new RecordFile(recordPath),
      chosen: {},
      guard: async () => {},
    })
    const history: string[] = []
    reconciler.steps.on(({ message }) => history.push(message))
    running.push(reconciler)
    await reconciler.start(forever)
    const reason = async (code: string) => await waitFor(() => expect(reconciler.snapshot().reason.code).toBe(code))
    const runs = async () => await waitFor(() => expect(reconciler.snapshot().lifecycle).toBe('running'))
    return { reconciler, history, reason, runs }
  }
}

const status = async () => await machine.podman.inspect(name, '{{.State.Status}}')

test('a directory that is not there is not made', async () => {
  const path = join(machine.ledger.directory, 'no-such-directory')
  const { reason } = await appliance({ dataVolume: path }).start()
  await reason('DIRECTORY_MISSING')
  expect(existsSync(path)).toBe(false)
})

test('a v5 database that does not tell its version is seen under a v6 image, before anything is written', async () => {
  const path = place('3.1.0')
  const { reason, reconciler } = await appliance({ dataVolume: path }).start()
  await reason('CONTROLLER_OLD_DATABASE')
  expect(reconciler.snapshot().reason.message).toContain('WiredTiger 3.1.0')
  expect(await status()).toBe('created')
})

test('a controller is known by its place: nothing starts on another one, and it goes on by itself', async () => {
  const path = place('11.3.0')
  const { start, recordPath } = appliance({ dataVolume: path })
  const first = await start('abc')
  await first.runs()
  const read = () => JSON.parse(readFileSync(recordPath, 'utf8')) as { controller?: { mark: string } }
  await waitFor(() => expect(read()).toHaveProperty('controller'))
  const { controller } = read()
  expect(readFileSync(join(path, '.omada-host-id'), 'utf8').trim()).toBe(controller?.mark)
  expect(statSync(join(path, '.omada-host-id'))).toMatchObject({ uid: 508, gid: 508 })
  await first.reconciler.requestStop(forever)
  renameSync(path, `${path}-away`)
  mkdirSync(path)
  await expect(first.reconciler.requestStart(forever)).rejects.toMatchObject({
    code: 'DATA_CHANGED',
    message: expect.stringContaining(`${path}-away has one`),
  })
  await first.reason('DATA_CHANGED')
  rmSync(path, { recursive: true })
  renameSync(`${path}-away`, path)
  await first.runs()
})

test('a file system that cannot be written to is told by its name, before the first start', async () => {
  const path = place()
  const { ledger } = machine
  ledger.willMake('read-only file system', ['sh', '-c', `! mountpoint -q ${path} || umount ${path}`])
  await command(['mount', '-t', 'tmpfs', '-o', 'ro', 'omada-test', path])
  const { reason, reconciler, runs } = await appliance({ dataVolume: path }).start()
  await reason('DATA_FILE_SYSTEM')
  expect(reconciler.snapshot().reason.message).toContain(`tmpfs (omada-test, mounted at ${path})`)
  // What the remedy says.
  expect(reconciler.snapshot().reason.remedy).toContain(`mount -o remount,rw ${path}`)
  await command(['mount', '-o', 'remount,rw', path])
  await runs()
  await reconciler.requestStop(forever)
  await command(['umount', path])
})

test('a database that another process has open is left alone, with the name of who has it', async () => {
  const path = place('11.3.0')
  const holder = spawn('flock', ['--no-fork', join(path, 'db/mongod.lock'), 'sleep', '300'], { stdio: 'ignore' })
  onTestFinished(() => void holder.kill())
  const { reason, reconciler, runs } = await appliance({ dataVolume: path }).start()
  await reason('DATA_IN_USE')
  expect(reconciler.snapshot().reason.message).toContain(`sleep (process ${holder.pid})`)
  holder.kill()
  await runs()
})

test('a controller that is killed at the end of its grace is told, by whether its database was closed', async () => {
  const path = place('11.3.0')
  const { start } = appliance({ dataVolume: path, environment: { STOP_SECONDS: '60' } }, 2)
  const { reconciler, runs, history } = await start()
  await runs()
  await reconciler.requestStop(forever)
  expect(history.at(-1)).toMatch(/was killed .*after its database was closed/)
  expect(reconciler.snapshot().warnings).toEqual([])
  await reconciler.requestStart(forever)
  await runs()
  writeFileSync(join(path, 'db/mongod.lock'), '42\n')
  await reconciler.requestStop(forever)
  expect(await machine.podman.inspect(name, '{{.State.ExitCode}}')).toBe('137')
  expect(reconciler.snapshot().warnings).toMatchObject([{ code: 'CONTROLLER_KILLED' }])
  const next = await start()
  await next.runs()
  expect(next.reconciler.snapshot().warnings).toMatchObject([{ code: 'CONTROLLER_KILLED' }])
  await next.reconciler.requestAcknowledge('CONTROLLER_KILLED', forever)
  expect(next.reconciler.snapshot().warnings).toEqual([])
})

test('a signal that cannot be delivered is told, no second controller is started, and it goes on when it has ended', async () => {
  const { reconciler, runs, reason } = await appliance({ dataVolume: place('11.3.0') }).start()
  await runs()
  writeFileSync(deaf, '')
  await expect(reconciler.requestStop(forever)).rejects.toMatchObject({
    code: 'CONTROLLER_NOT_STOPPED',
    message: expect.stringContaining('runs on'),
  })
  const pid = Number(await machine.podman.inspect(name, '{{.State.Pid}}'))
  // The engine calls it ended from then on.
  await reason('CONTROLLER_NOT_STOPPED')
  await expect(reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'CONTROLLER_NOT_STOPPED' })
  // What the remedy says.
  expect(reconciler.snapshot().reason.remedy).toContain(`kill -TERM ${pid}`)
  rmSync(deaf)
  process.kill(pid, 'SIGTERM')
  await waitFor(() => expect(reconciler.snapshot().lifecycle).toBe('running'))
  expect(Number(await machine.podman.inspect(name, '{{.State.Pid}}'))).not.toBe(pid)
})
