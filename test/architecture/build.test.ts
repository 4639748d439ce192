import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Metafile } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildProgram } from '../../scripts/build.ts'
import { script, style } from '../../src/edge/status/policy.ts'
import { root } from './sources.ts'

const run = promisify(execFile)

let directory = ''
let metafile: Metafile
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-build-'))
  await symlink(join(root, 'scripts'), join(directory, 'scripts'))
  await writeFile(join(directory, 'config.yaml'), '')
  metafile = await buildProgram(join(directory, 'dist'))
}, 120_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

type Kind = 'import-statement' | 'dynamic-import'

/** The npm packages in what `entry` loads, by imports of these kinds. */
function packagesOf(entry: string, kinds: readonly Kind[]): readonly string[] {
  const start = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === entry)?.[0]
  if (start === undefined) throw new Error(`${entry} has no chunk of its own`)
  const outputs = new Set([start])
  for (const path of outputs) {
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
      if (next in metafile.outputs && kinds.some((wanted) => wanted === kind)) outputs.add(next)
    }
  }
  const inputs = [...outputs].flatMap((path) => Object.entries(metafile.outputs[path]?.inputs ?? {}))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  const names = used.flatMap((path) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  return [...new Set(names)].sort()
}

const everything: readonly Kind[] = ['import-statement', 'dynamic-import']

test('the edge has neither engine nor database nor a parser of the configuration, not even for later', () => {
  const packages = packagesOf('src/edge/edge.ts', everything)
  expect(packages).toContain('fastify')
  for (const name of ['dockerode', 'docker-modem', 'mongodb', 'mongodb-3.6', 'bson', 'zod', 'yaml'])
    expect(packages).not.toContain(name)
})

test('neither process has the compilers of JSON schemas that come with Fastify', () => {
  const packages = packagesOf('src/main.ts', everything)
  expect(packages).toContain('fastify')
  for (const name of ['ajv', 'fast-uri', '@fastify/ajv-compiler', '@fastify/fast-json-stringify-compiler'])
    expect(packages).not.toContain(name)
})

test('the probe has the MongoDB driver and nothing else', () => {
  expect(packagesOf('src/host/health/probe-child.ts', everything)).toEqual([
    '@mongodb-js/saslprep',
    'bson',
    'memory-pager',
    'mongodb',
    'mongodb-3.6',
    'mongodb-connection-string-url',
    'punycode',
    'sparse-bitfield',
    'tr46',
    'webidl-conversions',
    'whatwg-url',
  ])
})

test('the probe loads one version of the MongoDB driver, and the other only where it is needed', () => {
  const loaded = packagesOf('src/host/health/probe-child.ts', ['import-statement'])
  expect(loaded.filter((name) => name.startsWith('mongodb'))).toEqual([])
})

test('neither version of the MongoDB driver decompresses what a server sends', async () => {
  const paths = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'))
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))
  const refusals = texts.flatMap((text) => text.match(/async function decompress\d*\(\) \{\s+throw new Error\(/g) ?? [])
  expect(refusals).toHaveLength(2)
  expect(texts.flatMap((text) => text.match(/function decompress\d*\([^)]/g) ?? [])).toEqual([])
})

test('the host has the engine, and nothing of the database or of the LAN', () => {
  const packages = packagesOf('src/cli/serve-host.ts', everything)
  expect(packages).toContain('dockerode')
  for (const name of ['mongodb', 'mongodb-3.6', 'bson', 'dgram-as-promised', '@grpc/grpc-js', 'ssh2']) {
    expect(packages).not.toContain(name)
  }
})

test('the program itself starts with the command line alone', () => {
  expect(packagesOf('src/main.ts', ['import-statement'])).toEqual(['commander'])
})

test('what runs in the browser is in the bundle as the text that the tests see, without what makes it', async () => {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path)
  expect(used).toContain('src/edge/status/policy.ts')
  expect(used.filter((path) => /browser-text|status\/page\//.test(path))).toEqual([])
  const paths = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'))
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))
  expect(texts.filter((text) => text.includes(script) && text.includes(style))).toHaveLength(1)
})

test('no chunk imports node:http, which would load undici', () => {
  const importers = Object.entries(metafile.outputs)
    .filter(([, { imports }]) =>
      imports.some(({ path, kind }) => /^(node:)?http$/.test(path) && kind === 'import-statement'),
    )
    .map(([path]) => path)
  expect(importers).toEqual([])
})

test.each([
  [['version'], 0, 'omada-host 0.1.0'],
  [['--help'], 0, 'Examples:'],
  [['config', 'check'], 0, 'config.yaml is fine'],
  [['config', 'show'], 0, 'stopGraceSeconds: 120 # default'],
  [['config', 'schema'], 0, 'omada-host configuration'],
  [['status'], 69, 'error [APPLIANCE_UNREACHABLE]'],
  [['logs'], 69, 'error [APPLIANCE_UNREACHABLE]'],
  [['doctor'], 1, '[ENGINE_UNREACHABLE]'],
  [['edge', '--user', 'root'], 2, 'error [USAGE]'],
  [['nonsense'], 2, "error [USAGE] unknown command 'nonsense'"],
])('the built program: %j', async (argv, code, expected) => {
  const env = {
    ...process.env,
    OMADA_HOST_CONFIG: join(directory, 'config.yaml'),
    OMADA_HOST_RUNTIME_DIR: directory,
    OMADA_HOST_ENGINE_SOCKET: join(directory, 'none.sock'),
  }
  const ended = await run(join(directory, 'dist', 'omada-host'), argv, { env }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ ...error, text: error.stdout + error.stderr }),
  )
  expect(ended.text).toContain(expected)
  expect(ended.code).toBe(code)
})
