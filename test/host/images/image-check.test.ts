import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { type Clock, systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { imageCheckJob } from '../../../src/host/images/image-check.ts'
import type { ImageCheck } from '../../../src/ipc/host-state.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { forever } from '../controller/fixture.ts'

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
  const own = imageCheckJob({
    config,
    // Past the schema, which takes minutes at the finest: a test cannot wait for one.
    live: () => ({ ...config, images: { checkSchedule: options.schedule ?? '17 3 * * *' } }),
    logger: createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) }),
    clock: options.clock ?? new ManualClock(),
    currentDigest: options.digest ?? (() => undefined),
    onResult: (result) => results.push(result),
    architecture: 'amd64',
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
  expect(own.latest()).toEqual(results.at(-1))
  await own.stop()
  const { length } = results
  // Another one by the same schedule has its turn twice meanwhile.
  const other = job({ clock: systemClock, schedule: everySecond })
  await other.own.start(forever)
  await waitFor(() => expect(other.results.length).toBeGreaterThan(1))
  await other.own.stop()
  expect(results).toHaveLength(length)
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
