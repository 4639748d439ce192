import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getTasks } from 'node-cron'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { ImageCheckJob } from '../../../src/host/images/image-check.ts'
import type { ImageCheck } from '../../../src/ipc/host-state.ts'
import { waitFor } from '../../support/wait-for.ts'
import { forever } from '../controller/fixture.ts'
import { ManualClock } from '../controller/manual-clock.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const everySecond = '* * * * * *'

function job(options: { clock?: Clock; schedule?: string; image?: string; digest?: () => string } = {}) {
  const lines: string[] = []
  const results: ImageCheck[] = []
  const config = configSchema.parse({
    controller: { image: options.image ?? 'docker.io/mbentley/omada-controller:6.2' },
  })
  const own = new ImageCheckJob({
    config,
    // Past the schema, which takes minutes at the finest: a test cannot wait for one.
    live: () => ({ ...config, images: { checkSchedule: options.schedule ?? '17 3 * * *' } }),
    logger: createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) }),
    clock: options.clock ?? new ManualClock(),
    currentDigest: options.digest ?? (() => undefined),
    onResult: (result) => results.push(result),
  })
  return { own, lines, results }
}

test('without skopeo the result is a fault, not a crash', async () => {
  vi.stubEnv('PATH', '/nowhere')
  const { own } = job()
  expect(await own.check(forever)).toMatchObject({
    newerTags: [],
    fault: { code: 'REGISTRY_UNREACHABLE', remedy: 'apt-get install skopeo' },
  })
})

test('a digest alone has no tag that could move', async () => {
  vi.stubEnv('PATH', '/nowhere')
  const { own } = job({ image: `docker.io/mbentley/omada-controller@sha256:${'a'.repeat(64)}` })
  expect(await own.check(forever)).not.toHaveProperty('fault')
})

test('runs by its schedule', async () => {
  vi.stubEnv('PATH', '/nowhere')
  const { own, results } = job({ clock: systemClock, schedule: everySecond })
  await own.start(forever)
  await waitFor(() => expect(results.length).toBeGreaterThan(0))
  await own.stop()
  const { length } = results
  // Another one by the same schedule has its turn twice meanwhile.
  const other = job({ clock: systemClock, schedule: everySecond })
  await other.own.start(forever)
  await waitFor(() => expect(other.results.length).toBeGreaterThan(1))
  await other.own.stop()
  expect(results).toHaveLength(length)
})

test('leaves no schedule behind, whenever it is made anew', async () => {
  const { own } = job()
  await own.reschedule()
  await own.start(forever)
  await Promise.all([own.reschedule(), own.reschedule()])
  expect(getTasks().size).toBe(1)
  const late = own.reschedule()
  await own.stop()
  await late
  expect(getTasks().size).toBe(0)
})

test('a newer image that was taken since the check is none any more', async () => {
  const bin = mkdtempSync(join(tmpdir(), 'omada-host-skopeo-'))
  writeFileSync(join(bin, 'skopeo'), '#!/bin/sh\necho "{\\"Tags\\": []}"\n', { mode: 0o755 })
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`)
  const image = { digest: 'sha256:old' }
  const { own, results } = job({ clock: systemClock, schedule: everySecond, digest: () => image.digest })
  await own.start(forever)
  await waitFor(() => expect(results.length).toBeGreaterThan(0))
  await own.stop()
  rmSync(bin, { recursive: true })
  expect(own.latest()?.newDigest).toMatch(/^sha256:/)
  image.digest = 'sha256:new'
  expect(own.latest()).toMatchObject({ checkedAt: expect.any(String), newerTags: [] })
  expect(own.latest()).not.toHaveProperty('newDigest')
})

describe('a clock that jumps', () => {
  test.each([
    ['a year ahead', 365 * 86_400_000],
    ['an hour back', -3_600_000],
  ])('%s has the schedule made anew, once, and it goes on', async (_, jump) => {
    vi.stubEnv('PATH', '/nowhere')
    const clock = new ManualClock()
    const { own, lines, results } = job({ clock, schedule: everySecond })
    await own.start(forever)
    const anew = () => lines.filter((line) => line.includes('scheduling the image check anew')).length
    await clock.until(() => true)
    clock.advance(20_000)
    await clock.until(() => true)
    expect(anew()).toBe(0)
    await waitFor(() => expect(results).toHaveLength(1))
    // A check is due by the old plan when the jump is seen: it is not done by that.
    clock.jump(jump)
    clock.advance(2000)
    await clock.until(() => anew() === 1)
    expect(results).toHaveLength(1)
    clock.advance(60_000)
    await clock.until(() => true)
    expect(anew()).toBe(1)
    const { length } = results
    await waitFor(() => {
      clock.advance(1000)
      expect(results.length).toBeGreaterThan(length)
    })
    await own.stop()
  })
})
