import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ProbeProcess } from '../../../src/host/health/probe-process.ts'
import { MongoServer } from '../../standin/mongo/server.ts'
import { probeCommand, residentMegabytes, silent } from '../../support/health-process.ts'

let directory: string
let bundle: string
let metafile: Metafile

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-probe-'))
  bundle = join(directory, 'probe.mjs')
  const built = await build({
    entryPoints: [probeCommand.at(-1) ?? ''],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    metafile: true,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
  metafile = built.metafile
})
afterAll(() => rm(directory, { recursive: true, force: true }))

it('brings along mongodb and little else', () => {
  const inputs = Object.keys(metafile.inputs)
  const own = inputs.filter((path) => path.startsWith('src/'))
  expect(own.filter((path) => !/^src\/(host\/health|core\/errors\.ts|core\/error-codes\.ts)/.test(path))).toEqual([])
  const packages = new Set(inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]))
  expect(packages).toContain('mongodb')
  expect([...packages].filter((name) => /dockerode|fastify|pino|zod|undici/.test(name ?? ''))).toEqual([])
})

it('stays under 90 MB over a thousand questions', { timeout: 120_000 }, async () => {
  const mongo = new MongoServer({ pose: '8.0', host: '127.0.0.1', port: 0 })
  const databaseUri = `mongodb://127.0.0.1:${await mongo.start()}/?directConnection=true`
  const probe = new ProbeProcess({
    logger: silent,
    clock: systemClock,
    command: [process.execPath, bundle],
    databaseUri,
    onWritable: () => {},
  })
  probe.start()
  try {
    for (let i = 0; i < 1000; i++) {
      await probe.database(AbortSignal.timeout(15_000))
      await probe.boundUdpPorts(AbortSignal.timeout(15_000))
    }
    expect(await residentMegabytes(probe.pid ?? 0)).toBeLessThan(90)
  } finally {
    await probe.stop()
    await mongo.stop()
  }
})
