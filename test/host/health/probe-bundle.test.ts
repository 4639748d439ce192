import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { createDeflate } from 'node:zlib'
import { build, type Metafile } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { refuseDecompression } from '../../../scripts/build.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { ProbeProcess } from '../../../src/host/health/probe-process.ts'
import { MongoServer } from '../../standin/mongo/server.ts'
import { RequestReader } from '../../standin/mongo/wire.ts'
import { probeCommand, residentMegabytes, silent } from '../../support/health-process.ts'

let directory: string
let bundle: string
let metafile: Metafile

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-probe-'))
  bundle = join(directory, 'probe.mjs')
  const built = await build({
    entryPoints: { probe: probeCommand.at(-1) ?? '' },
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Each driver in a file of its own, as the program has them.
    splitting: true,
    platform: 'node',
    plugins: [refuseDecompression],
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
  expect(
    own.filter(
      (path) => !/^src\/(host\/health|core\/errors\.ts|core\/error-codes\.ts|linux\/socket-table\.ts)/.test(path),
    ),
  ).toEqual([])
  const packages = new Set(inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]))
  expect(packages).toContain('mongodb')
  expect([...packages].filter((name) => /dockerode|fastify|pino|zod|undici/.test(name ?? ''))).toEqual([])
})

function probing(databaseUri: string): ProbeProcess {
  const command = [process.execPath, bundle]
  const probe = new ProbeProcess({ logger: silent, clock: systemClock, command, databaseUri, onWritable: () => {} })
  probe.start()
  return probe
}

it.each(['8.0', '3.6'] as const)(
  'stays under 90 MB over a thousand questions to MongoDB %s',
  { timeout: 120_000 },
  async (pose) => {
    const mongo = new MongoServer({ pose, host: '127.0.0.1', port: 0 })
    const probe = probing(`mongodb://127.0.0.1:${await mongo.start()}/?directConnection=true`)
    try {
      const ask = () => probe.database(AbortSignal.timeout(15_000)).catch(() => undefined)
      await expect.poll(ask, { timeout: 30_000 }).toMatchObject({ pingOk: true })
      for (let i = 0; i < 1000; i++) {
        await probe.database(AbortSignal.timeout(15_000))
        await probe.boundUdpPorts(AbortSignal.timeout(15_000))
      }
      expect(await residentMegabytes(probe.pid ?? 0)).toBeLessThan(90)
    } finally {
      await probe.stop()
      await mongo.stop()
    }
  },
)

/** Three hundred megabytes, as zlib packs them. */
async function packedZeros(): Promise<Buffer> {
  const deflate = createDeflate()
  const packed = buffer(deflate)
  const megabyte = Buffer.alloc(1_000_000)
  for (let i = 0; i < 300; i++) if (!deflate.write(megabyte)) await once(deflate, 'drain')
  deflate.end()
  return packed
}

/** An answer that is compressed (OP_COMPRESSED, zlib). */
function compressedAnswer(requestId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(25)
  header.writeInt32LE(header.length + body.length, 0)
  header.writeInt32LE(requestId, 8)
  header.writeInt32LE(2012, 12)
  header.writeInt32LE(2013, 16)
  header.writeInt32LE(300_000_000, 20)
  header.writeUInt8(2, 24)
  return Buffer.concat([header, body])
}

it('takes nothing compressed, which could be a thousand times as large in memory', { timeout: 60_000 }, async () => {
  const body = await packedZeros()
  const server = createServer((socket) => {
    const reader = new RequestReader()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const { requestId } of reader.push(chunk)) socket.write(compressedAnswer(requestId, body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const probe = probing(`mongodb://127.0.0.1:${port}/?directConnection=true`)
  try {
    const ask = () => probe.database(AbortSignal.timeout(15_000))
    await expect.poll(ask, { timeout: 30_000 }).toMatchObject({ error: expect.stringContaining('compressed') })
    expect(await residentMegabytes(probe.pid ?? 0, 'VmHWM')).toBeLessThan(150)
  } finally {
    await probe.stop()
    server.close()
  }
})
