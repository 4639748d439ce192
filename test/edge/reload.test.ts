import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { awaitHandover } from '../../src/edge/await-handover.ts'
import { EdgeChanges } from '../../src/edge/reload.ts'
import { edgePart, HandoverFile } from '../../src/ipc/handover.ts'
import { soon, temporaryDirectory } from '../ipc/fixtures.ts'
import { fakeNotifier } from '../systemd/notifier.ts'

const parse = (config: object) => configSchema.parse(config)

async function scene() {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'edge.json')
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const file = new HandoverFile({ path, part: edgePart(parse({}), undefined), logger, clock: systemClock })
  return { directory, path, lines, logger, file }
}

test('an edge that is there before its host waits, says so once, and then has its part', async () => {
  const { directory, path, lines, logger, file } = await scene()
  await using _ = directory
  const { notifier, calls } = fakeNotifier()
  const waiting = awaitHandover({ path, logger, clock: systemClock, notifier, signal: soon() })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await file.start(soon())
  expect((await waiting).config.status.port).toBe(8090)
  expect(lines).toHaveLength(1)
  expect(calls).toEqual(['status Waiting for omada-host to hand over the configuration'])
})

test('an edge that waits can be ended', async () => {
  const { directory, path, logger } = await scene()
  await using _ = directory
  const ending = new AbortController()
  const { notifier } = fakeNotifier()
  const waiting = awaitHandover({ path, logger, clock: systemClock, notifier, signal: ending.signal })
  ending.abort()
  await expect(waiting).rejects.toThrow()
})

test('takes over what the host hands over anew; what needs a restart is a warning until it is taken back', async () => {
  const { directory, path, lines, logger, file } = await scene()
  await using _ = directory
  const running = parse({})
  const renewed: string[] = []
  const levels: string[] = []
  let applied = 0
  const changes = new EdgeChanges({
    running,
    certificate: { cert: 'first', key: 'first' },
    path,
    logger,
    clock: systemClock,
    setLogLevel: (level) => levels.push(level),
    applied: () => {
      applied += 1
    },
    renew: async ({ cert }) => void renewed.push(cert),
  })
  // The host is away.
  await changes.look()
  await file.start(soon())
  await changes.look()
  expect({ applied, warnings: changes.warnings(), lines }).toEqual({ applied: 0, warnings: [], lines: [] })

  const next = { access: { management: ['192.0.2.0/24'] }, log: { level: 'debug' }, proxy: { ports: [8043] } }
  await file.publish(edgePart(parse(next), undefined))
  await changes.look()
  await changes.look()
  expect(running.access.management).toEqual(['192.0.2.0/24'])
  expect({ applied, levels }).toEqual({ applied: 1, levels: ['debug'] })
  expect(changes.warnings()).toEqual([
    {
      code: 'RESTART_PENDING',
      message: expect.stringContaining('restart is needed for proxy.ports'),
      remedy: expect.stringContaining('systemctl restart omada-host-edge'),
    },
  ])
  expect(lines).toHaveLength(2)

  // A host that restarts takes its file away; what was heard of it stays.
  await file.stop()
  await changes.look()
  expect(changes.warnings()).toHaveLength(1)
  await file.publish(edgePart(parse({}), undefined))
  await changes.look()
  expect(changes.warnings()).toEqual([])
  expect(running.access.management).toBe('any')

  // None was handed over yet, which is no reason to do without the first; another one is taken once.
  expect(renewed).toEqual([])
  for (const _twice of [1, 2]) {
    await file.publish(edgePart(parse({}), { cert: 'second', key: 'second' }))
    await changes.look()
  }
  expect(renewed).toEqual(['second'])
})
