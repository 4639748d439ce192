import { expect, it } from 'vitest'
import { createLogger } from '../../../src/core/logger.ts'
import { unhealthyRestart } from '../../../src/host/health/unhealthy-restart.ts'

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const { signal } = new AbortController()

function scene(minutes: number) {
  const scene = { minute: 0, since: undefined as number | undefined, restarts: 0, check: async () => {} }
  const restart = unhealthyRestart({
    minutes: () => minutes,
    logger,
    clock: { now: () => scene.minute * 60_000, wall: () => 0, sleep: async () => {} },
    unhealthySince: () => (scene.since === undefined ? undefined : scene.since * 60_000),
    restart: async () => {
      scene.restarts++
    },
  })
  scene.check = () => restart.check(signal)
  return scene
}

it('never restarts unless the user asked for it', async () => {
  const one = scene(0)
  one.since = 0
  one.minute = 100_000
  await one.check()
  expect(one.restarts).toBe(0)
})

it('restarts once after the chosen time, and again only after as long again', async () => {
  const one = scene(10)
  one.minute = 100
  await one.check()
  one.since = 95
  for (const [minute, restarts] of [
    [104.9, 0],
    [105, 1],
    [106, 1],
    [114.9, 1],
    [115, 2],
  ] as const) {
    one.minute = minute
    await one.check()
    expect([minute, one.restarts]).toEqual([minute, restarts])
  }
})
