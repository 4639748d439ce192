import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { InForce } from '../../src/edge/in-force.ts'
import { pathsBelow } from '../../src/ipc/paths.ts'
import { soon, temporaryDirectory } from '../ipc/fixtures.ts'
import { edgePart, FakeHost, version } from '../support/channel.ts'
import { waitFor } from '../support/wait-for.ts'

const cleanup: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function scene() {
  const directory = await temporaryDirectory()
  cleanup.push(async () => directory[Symbol.asyncDispose]())
  const paths = pathsBelow(directory.path, directory.path)
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const waits: string[] = []
  /** An edge's start; each is a process of its own in the product. */
  const edge = () => {
    const inForce = new InForce({
      paths,
      version,
      restarted: 'omada-host-edge',
      logger,
      clock: systemClock,
      waiting: () => void waits.push('waits'),
    })
    cleanup.push(() => inForce.stop())
    return inForce
  }
  const host = async (...part: Parameters<typeof edgePart>) => {
    const started = await FakeHost.start(paths.channelSocket, edgePart(...part))
    cleanup.push(() => started.stop())
    return started
  }
  const kept = async () => JSON.parse(await readFile(paths.edgeKeptFile, 'utf8'))
  return { paths, lines, waits, edge, host, kept }
}

test('an edge that is there before its host waits, says so once, and then has what is in force', async () => {
  const { edge, host, lines, waits } = await scene()
  const inForce = edge()
  let there = false
  const start = async () => {
    await inForce.start(soon())
    there = true
  }
  const started = start()
  await waitFor(() => expect(waits).toEqual(['waits']))
  expect(there).toBe(false)
  await host({ status: { port: 8091 } })
  await started
  expect(inForce.config.status.port).toBe(8091)
  expect(lines.filter((line) => line.includes('to say what is in force'))).toHaveLength(1)
  expect(waits).toHaveLength(1)
})

test('an edge that waits can be ended', async () => {
  const { edge, waits } = await scene()
  const ending = new AbortController()
  const starting = edge().start(ending.signal)
  await waitFor(() => expect(waits).toHaveLength(1))
  ending.abort()
  await expect(starting).rejects.toThrow()
})

test('follows what the host says; what needs a restart is a warning until it is taken back', async () => {
  const { edge, host: begin, lines } = await scene()
  const host = await begin()
  const inForce = edge()
  await inForce.start(soon())
  const { config } = inForce
  const before = structuredClone(config)
  expect(inForce.warnings()).toEqual([])

  host.say(edgePart({ access: { management: ['192.0.2.0/24'] }, log: { level: 'debug' }, proxy: { ports: [8043] } }))
  await waitFor(() => expect(inForce.config.access.management).toEqual(['192.0.2.0/24']))
  expect(inForce.warnings()).toMatchObject([
    {
      message: expect.stringContaining('restart is needed for proxy.ports'),
      remedy: expect.stringContaining('systemctl restart omada-host-edge'),
    },
  ])
  const taken = lines.filter((line) => line.includes('taken over'))
  expect(taken).toEqual([expect.stringContaining('access.management, log.level')])
  // Whoever was built with it still sees what it was built with.
  expect(config).toEqual(before)

  await host.stop()
  expect(inForce.warnings()).toHaveLength(1)
  await begin()
  await waitFor(() => expect(inForce.warnings()).toEqual([]))
  expect(inForce.config.access.management).toBe('any')
})

test('another certificate is told of once; one that the host has no more is kept', async () => {
  const { edge, host: begin } = await scene()
  const certificate = (name: string) => ({ cert: name, key: name })
  const host = await begin({}, { certificate: certificate('first') })
  const inForce = edge()
  await inForce.start(soon())
  const renewed: (string | undefined)[] = []
  inForce.certificateRenewed.on(() => renewed.push(inForce.certificate?.cert))
  for (const level of ['warn', 'error']) {
    host.say(edgePart({ log: { level } }, level === 'warn' ? {} : { certificate: certificate('second') }))
    await waitFor(() => expect(inForce.config.log.level).toBe(level))
    expect(inForce.certificate?.cert).toBe(level === 'warn' ? 'first' : 'second')
  }
  expect(renewed).toEqual(['second'])
})

test('the controller is where its container runs, or ran last, and before that where it will', async () => {
  const { edge, host: begin } = await scene()
  const host = await begin({ network: { controllerAddress: '10.129.81.20' } })
  const inForce = edge()
  await inForce.start(soon())
  expect(inForce.controllerAddress).toBe('10.129.81.20')
  const next = { network: { controllerAddress: '10.129.81.30' } }
  for (const [running, expected] of [
    [{ runningAddress: '10.129.81.10' }, '10.129.81.10'],
    [{}, '10.129.81.10'],
    [{ runningAddress: '10.129.81.30' }, '10.129.81.30'],
  ] as const) {
    host.say(edgePart(next, running))
    await waitFor(() => expect(inForce.controllerAddress).toBe(expected))
  }
})

test('while the host is away an edge starts again from what it was told last, which nobody else reads', async () => {
  const { edge, host: begin, kept, paths, waits } = await scene()
  const host = await begin(
    { status: { port: 8091 } },
    { runningAddress: '10.129.81.7', certificate: { cert: 'c', key: 'k' } },
  )
  const first = edge()
  await first.start(soon())
  host.say(edgePart({ status: { port: 8092 } }))
  await waitFor(async () => expect((await kept()).config.status.port).toBe(8092))
  expect((await stat(paths.edgeKeptFile)).mode & 0o777).toBe(0o600)
  await first.stop()
  await host.stop()

  const second = edge()
  await second.start(soon())
  expect(second.config.status.port).toBe(8092)
  expect(second.controllerAddress).toBe('10.129.81.7')
  expect(second.certificate).toEqual({ cert: 'c', key: 'k' })
  expect(waits).toEqual([])
  // The host is back, with something else.
  await begin({ status: { port: 8092 }, discovery: { strict: true } })
  await waitFor(() => expect(second.config.discovery.strict).toBe(true))
})

test('a host that is there counts for more than what was kept', async () => {
  const { edge, host, paths } = await scene()
  await host({ status: { port: 8091 } })
  const first = edge()
  await first.start(soon())
  await waitFor(() => stat(paths.edgeKeptFile))
  await first.stop()
  await writeFile(paths.edgeKeptFile, JSON.stringify(edgePart({ status: { port: 9999 } })))
  const second = edge()
  await second.start(soon())
  expect(second.config.status.port).toBe(8091)
})

test.each([
  ['of another version', JSON.stringify({ ...edgePart(), stateVersion: '1 0.9.0' })],
  ['no JSON', '{"stateVersion'],
  ['nothing', ''],
  ['null', 'null'],
])('what was kept and is %s is as good as none', async (_, text) => {
  const { edge, host, paths, waits } = await scene()
  await mkdir(dirname(paths.edgeKeptFile))
  await writeFile(paths.edgeKeptFile, text)
  const inForce = edge()
  const starting = inForce.start(soon())
  await waitFor(() => expect(waits).toEqual(['waits']))
  await host({ status: { port: 8093 } })
  await starting
  expect(inForce.config.status.port).toBe(8093)
})
