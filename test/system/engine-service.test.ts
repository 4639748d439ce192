import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { DockerEngine } from '../../src/host/engine/docker-engine.ts'
import { PodmanService } from '../../src/host/engine/service.ts'
import { eventually } from '../support/eventually.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'
import { Podman, workingRuntime } from './support/podman.ts'

const forever = new AbortController().signal
const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const serviceModule = fileURLToPath(new URL('../../src/host/engine/service.ts', import.meta.url))

let ledger: Ledger
let podman: Podman
beforeEach(async () => {
  ledger = await Ledger.open('omada-host-service-', '/var/tmp')
  podman = Podman.make(ledger, { namespace: Namespace.own, directory: join(ledger.directory, 'podman') })
})
afterEach(async () => {
  await ledger?.close()
})

const service = (environment: Record<string, string> = {}) =>
  new PodmanService({
    config: configSchema.parse({ engine: { socket: podman.socket } }),
    logger,
    clock: systemClock,
    environment: { ...podman.environment, ...environment },
  })
const engine = () => new DockerEngine({ sockets: [podman.socket] })
const runs = (pid: number) => existsSync(`/proc/${pid}`)

test('is started where no engine answers, with a runtime that works here, and ended', async () => {
  const own = service()
  await own.start(forever)
  const { pid = 0 } = own
  expect(runs(pid)).toBe(true)
  expect(await engine().info(forever)).toMatchObject({ kind: 'podman', defaultRuntime: workingRuntime() })
  await own.stop(AbortSignal.timeout(20_000))
  expect(runs(pid)).toBe(false)
  await own.stop(AbortSignal.timeout(1000))
})

test('is not started where an engine answers', async () => {
  const first = service()
  await first.start(forever)
  const second = service()
  await second.start(forever)
  expect(second.pid).toBeUndefined()
  await second.stop(AbortSignal.timeout(1000))
  await engine().info(forever)
  await first.stop(AbortSignal.timeout(20_000))
})

test('is started again when it is killed', async () => {
  const own = service()
  await own.start(forever)
  const { pid = 0 } = own
  process.kill(pid, 'SIGKILL')
  await eventually(
    async () => own.pid,
    (next) => next !== undefined && next !== pid,
  )
  await eventually(
    () => engine().info(forever),
    ({ kind }) => kind === 'podman',
  )
  await own.stop(AbortSignal.timeout(20_000))
})

test('that cannot run is an error that says why', async () => {
  const broken = join(ledger.directory, 'broken.conf')
  writeFileSync(broken, 'not = [valid')
  const own = service({ CONTAINERS_CONF: broken })
  await expect(own.start(forever)).rejects.toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    message: expect.stringContaining('exit code'),
  })
  expect(own.pid).toBeUndefined()
})

test('that is not installed is an error that says so', async () => {
  await expect(service({ PATH: '/nowhere' }).start(forever)).rejects.toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    remedy: expect.stringContaining('apt-get install podman'),
  })
})

test('ends with this program even when that is killed', async () => {
  const script = `
    import { PodmanService } from ${JSON.stringify(serviceModule)}
    const logger = { info() {}, warn() {}, debug() {} }
    const clock = { now: () => performance.now(), sleep: (ms) => new Promise((done) => setTimeout(done, ms)) }
    const config = { engine: { socket: ${JSON.stringify(podman.socket)} } }
    const service = new PodmanService({ config, logger, clock })
    await service.start(new AbortController().signal)
    console.log(service.pid)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, ...podman.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  expect(runs(pid)).toBe(true)
  child.kill('SIGKILL')
  await eventually(
    async () => runs(pid),
    (running) => !running,
  )
})
