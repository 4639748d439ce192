import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Chosen } from '../../src/config/chosen.ts'
import { newestDefaults } from '../../src/config/kept-defaults.ts'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { readMachineFacts } from '../../src/host/controller/machine.ts'
import { Reconciler } from '../../src/host/controller/reconciler.ts'
import { RecordFile } from '../../src/host/controller/record.ts'
import { connectEngine } from '../../src/host/engine/choose.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { EngineMachine } from './engine-machine.ts'

const forever = new AbortController().signal
const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const name = 'omada-controller'

let machine: EngineMachine
let data: string
const running: Reconciler[] = []

beforeAll(async () => {
  machine = await EngineMachine.open()
  await machine.startRegistry()
  await machine.build(EngineMachine.image)
  await machine.publish(EngineMachine.image)
  data = join(machine.podman.socket, '../volumes/omada-data/_data')
})
afterAll(async () => {
  await machine?.close()
})
afterEach(async () => {
  for (const reconciler of running.splice(0)) {
    await reconciler.stopController(AbortSignal.timeout(60_000))
    await reconciler.stop()
  }
  rmSync(join(data, 'do'), { force: true })
})

/** The controller as configured, kept by a reconciler over the real engine. */
async function appliance(controller: object = {}) {
  const config = configSchema.parse({
    controller: { image: EngineMachine.image, timezone: 'Asia/Tokyo', ...controller },
    engine: { socket: machine.podman.socket },
    network: { name: machine.network },
  })
  const reconciler = new Reconciler({
    defaults: newestDefaults,
    config,
    live: () => config,
    logger,
    clock: systemClock,
    connect: (signal) => connectEngine({ config, logger, signal }),
    machine: { ...(await readMachineFacts()), routes: async () => [] },
    version: '1.0.0',
    chosen: controller as Chosen,
    ready: () => true,
    guard: async () => {},
    omadacId: () => undefined,
    certificateSource: '/run/omada-host-certificate',
    recordFile: new RecordFile(join(machine.ledger.directory, 'release.json')),
  })
  const history: string[] = []
  reconciler.steps.on(({ message }) => history.push(message))
  running.push(reconciler)
  await reconciler.start(forever)
  return { reconciler, history }
}

const lifecycle = async (reconciler: Reconciler, wanted: string) =>
  await eventually(
    async () => reconciler.snapshot(),
    (snapshot) => snapshot.lifecycle === wanted,
  )
const inspect = async (template: string) => await machine.podman.inspect(name, template)
const pid = async () => await inspect('{{.State.Pid}}')
/** The container is to run these shell commands once. */
const tellContainer = (commands: string) => writeFileSync(join(data, 'do'), commands)

describe('a fresh machine', () => {
  test('gets a container that keeps the contract, and loses it by an orderly stop alone', async () => {
    const { reconciler, history } = await appliance({ cpus: 0.5 })
    const { facts, sandboxKey } = await lifecycle(reconciler, 'running')
    expect(history).toContain('pulled the image')
    expect(facts).toMatchObject({ address: '10.129.81.10', digest: expect.stringMatching(/^sha256:/) })
    expect(sandboxKey).toMatch(/^\/run\/netns\//)
    expect(await machine.namespace.run(['ip', '-o', '-4', 'address', 'show', `br-${machine.network}`])).toContain(
      '10.129.81.1/24',
    )
    const limits = readFileSync(`/proc/${await pid()}/limits`, 'utf8')
    expect(limits).toMatch(/Max open files +4096 +8192/)
    expect(limits).toMatch(/Max processes +4096 +4096/)
    // CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID, and no way to more.
    const status = readFileSync(`/proc/${await pid()}/status`, 'utf8')
    for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toMatch(new RegExp(`^${set}:\\t0{14}cb$`, 'm'))
    expect(status).toMatch(/^CapAmb:\t0{16}$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    const sysctl = ['sysctl', '--values', 'net.ipv4.ip_unprivileged_port_start']
    expect(await command(['nsenter', '--target', await pid(), '--net', ...sysctl])).toBe('0')
    expect(await command(sysctl)).not.toBe('0')
    const { processLimit } = await machine.engine.info(forever)
    expect(await inspect('{{.HostConfig.PidsLimit}}')).toBe(processLimit ? '8192' : '0')
    expect(await inspect('{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}')).toBe('k8s-file 20MB')
    expect(await inspect('{{.Config.StopSignal}} {{.Config.StopTimeout}} {{.HostConfig.NanoCpus}}')).toMatch(
      // Podman 5 tells the signal by its name.
      /^(15|SIGTERM) 120 500000000$/,
    )
    expect(await inspect('{{.HostConfig.PortBindings}} {{.HostConfig.RestartPolicy.Name}}')).toBe('map[] no')
    expect(Number(await inspect('{{.HostConfig.Memory}}'))).toBeGreaterThan(1_000_000_000)
    const { message } = await reconciler.requestStop(forever)
    expect(message).toContain('stopped')
    expect(reconciler.snapshot().lifecycle).toBe('stopped')
    expect(await inspect('{{.State.ExitCode}}')).toBe('143')
  })

  test('has a log that is read and followed over a restart', async () => {
    const { reconciler } = await appliance()
    await lifecycle(reconciler, 'running')
    const read = async () => {
      const lines: string[] = []
      for await (const line of reconciler.logs({ follow: false, tail: 3, signal: forever })) lines.push(line)
      return lines
    }
    expect(await eventually(read, (lines) => lines.includes('warning'))).toContain('started TZ=Asia/Tokyo')
    const followed: string[] = []
    const leave = new AbortController()
    const following = (async () => {
      for await (const line of reconciler.logs({ follow: true, tail: 1, signal: leave.signal })) followed.push(line)
    })()
    following.catch(() => {})
    await eventually(
      async () => followed.length,
      (count) => count > 0,
    )
    await reconciler.requestRestart(forever)
    await eventually(
      async () => followed,
      (lines) => lines.includes('stopped') && lines.includes('started TZ=Asia/Tokyo'),
    )
    leave.abort()
    await expect(following).rejects.toThrow()
  })
})

describe('the next start of the appliance', () => {
  test('attaches: same container, same process', async () => {
    const first = await appliance()
    await lifecycle(first.reconciler, 'running')
    const before = await pid()
    await first.reconciler.stop()
    const second = await appliance()
    await lifecycle(second.reconciler, 'running')
    expect(await pid()).toBe(before)
    expect(second.history).toEqual([])
  })

  test('with another configuration makes a new container and keeps the data', async () => {
    const first = await appliance()
    const { facts } = await lifecycle(first.reconciler, 'running')
    writeFileSync(join(data, 'kept'), 'yes')
    await first.reconciler.stop()
    const second = await appliance({ environment: { A: '1' } })
    const next = await eventually(
      async () => second.reconciler.snapshot(),
      (snapshot) => snapshot.lifecycle === 'running' && snapshot.facts.containerId !== facts.containerId,
    )
    expect(second.history).toEqual([
      'stopped the controller',
      'removed the old container; its volumes are kept',
      'created the container',
      'started the container',
    ])
    expect(next.facts.containerId).not.toBe(facts.containerId)
    expect(readFileSync(join(data, 'kept'), 'utf8')).toBe('yes')
  })
})

describe('repairs', () => {
  test('a container that was removed behind our back is made again', async () => {
    const { reconciler } = await appliance()
    const { facts } = await lifecycle(reconciler, 'running')
    await machine.podman.run(['rm', '--force', name])
    await eventually(
      async () => reconciler.snapshot(),
      (next) => next.lifecycle === 'running' && next.facts.containerId !== facts.containerId,
    )
  })

  test('a container that dies is started again', async () => {
    const { reconciler, history } = await appliance()
    const { facts } = await lifecycle(reconciler, 'running')
    tellContainer('exit 3')
    await eventually(
      async () => history,
      (lines) => lines.some((line) => line.includes('exit code 3')),
    )
    rmSync(join(data, 'do'), { force: true })
    const next = await lifecycle(reconciler, 'running')
    expect(next.facts.containerId).toBe(facts.containerId)
    expect(next.facts.startedAt).not.toBe(facts.startedAt)
  })

  test('a container that somebody kills is started again, and it is told that it was somebody', async () => {
    const { reconciler, history } = await appliance()
    const { facts } = await lifecycle(reconciler, 'running')
    await machine.podman.run(['kill', name])
    await eventually(
      async () => history,
      (lines) => lines.some((line) => /stopped by somebody else, who did not wait .*137/.test(line)),
    )
    const { startedAt } = facts
    await eventually(
      async () => reconciler.snapshot(),
      (now) => now.lifecycle === 'running' && now.facts.startedAt !== startedAt,
    )
  })

  test('one of another image in the place of ours, with its labels, is told, and undone by a restart', async () => {
    const first = await appliance()
    await lifecycle(first.reconciler, 'running')
    await first.reconciler.stop()
    const labels = Object.entries(JSON.parse(await inspect('{{json .Config.Labels}}')) as Record<string, string>)
    await machine.build('localhost/newer:1', { megabytes: 1 })
    await machine.podman.run(['rm', '--force', '--time', '60', name])
    const like = ['--name', name, '--network', machine.network, '--ip', '10.129.81.10']
    const limits = ['--ulimit', 'nofile=4096:8192', '--ulimit', 'nproc=4096:4096']
    const copied = labels.flatMap(([label, value]) => ['--label', `${label}=${value}`])
    await machine.podman.run(['run', '--detach', ...like, ...limits, ...copied, 'localhost/newer:1'])
    const second = await appliance()
    const told = await eventually(
      async () => second.reconciler.snapshot(),
      ({ lifecycle: now }) => now === 'running',
    )
    expect(told).toMatchObject({ warnings: [{ code: 'CONTAINER_REPLACED' }] })
    expect(second.history).toEqual([])
    await second.reconciler.requestRestart(forever)
    expect(await inspect('{{.ImageName}}')).toBe(EngineMachine.image)
    expect(second.reconciler.snapshot().warnings).toEqual([])
  })

  test('a refusal of the entrypoint becomes the reason, and is not tried again', async () => {
    const { reconciler } = await appliance()
    await lifecycle(reconciler, 'running')
    tellContainer(
      'echo "ERROR: The version from the image (6.1.0) is older than the last version executed (6.2.0)!"; exit 1',
    )
    const { reason } = await lifecycle(reconciler, 'failed')
    expect(reason.code).toBe('CONTROLLER_DOWNGRADE')
    rmSync(join(data, 'do'))
    await reconciler.requestStart(forever)
    expect((await lifecycle(reconciler, 'running')).reason.code).toBeUndefined()
  })

  test('an engine that is killed and started again costs the controller nothing', async () => {
    const { reconciler } = await appliance()
    await lifecycle(reconciler, 'running')
    const before = await pid()
    await machine.killService()
    const away = await eventually(
      async () => reconciler.snapshot(),
      ({ reason }) => reason.code !== undefined,
    )
    expect(away).toMatchObject({ lifecycle: 'running', reason: { code: 'ENGINE_UNREACHABLE' } })
    await machine.startService()
    await eventually(
      async () => reconciler.snapshot(),
      ({ reason }) => reason.code === undefined,
    )
    expect(await pid()).toBe(before)
  })

  test('an engine that is killed during a stop: the controller still ends by itself, unharmed', async () => {
    const { reconciler } = await appliance({ environment: { STOP_SECONDS: '4' } })
    await eventually(
      async () =>
        reconciler.snapshot().lifecycle === 'running' && (await inspect('{{.Config.Env}}')).includes('STOP_SECONDS'),
      (there) => there,
    )
    const stopped = reconciler.requestStop(forever)
    stopped.catch(() => {})
    await lifecycle(reconciler, 'stopping')
    await machine.killService()
    await machine.startService()
    await lifecycle(reconciler, 'stopped')
    expect(await inspect('{{.State.ExitCode}}')).toBe('143')
    const log = await machine.podman.run(['logs', name])
    expect(log.trimEnd().endsWith('stopped')).toBe(true)
  })
})
