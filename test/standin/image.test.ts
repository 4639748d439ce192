import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildImage, parseTag } from './image/build.ts'
import { programLayer } from './image/contents.ts'
import { loopbackEnvironment, temporaryDirectory } from './support.ts'

const run = promisify(execFile)

interface Configuration {
  config: { Env: string[]; Entrypoint: string[]; Volumes: object; ExposedPorts: object; StopSignal: string }
  rootfs: { diff_ids: string[] }
}

it('is an archive of which tar and its own digests agree, with the layers shared', async () => {
  const directory = temporaryDirectory()
  const archive = join(directory, 'image.tar')
  const tags = [parseTag('localhost/s:6.2'), parseTag('localhost/s:5.15')]
  const bytes = await buildImage({ tags, archive, environment: ['STANDIN_START_SECONDS=1'] })
  expect(readFileSync(archive).length).toBe(bytes)
  await run('tar', ['-xf', archive, '-C', directory])
  const read = (name: string) => readFileSync(join(directory, name))
  const digest = (name: string) => createHash('sha256').update(read(name)).digest('hex')
  const manifest = JSON.parse(read('manifest.json').toString()) as {
    Config: string
    RepoTags: string[]
    Layers: string[]
  }[]
  expect(manifest.map((image) => image.RepoTags)).toEqual([['localhost/s:6.2'], ['localhost/s:5.15']])
  // All but the one that says the version.
  expect(manifest[0]?.Layers.slice(0, -1)).toEqual(manifest[1]?.Layers.slice(0, -1))
  expect(manifest[0]?.Layers).not.toEqual(manifest[1]?.Layers)
  for (const { Config, Layers } of manifest) {
    const configuration = JSON.parse(read(Config).toString()) as Configuration
    expect(Config).toBe(`${digest(Config)}.json`)
    expect(configuration.rootfs.diff_ids).toEqual(Layers.map((layer) => `sha256:${digest(layer)}`))
    expect(configuration.config.StopSignal).toBe('SIGTERM')
    expect(configuration.config.Env).toContain('STANDIN_START_SECONDS=1')
    expect(Object.keys(configuration.config.Volumes)).toEqual([
      '/opt/tplink/EAPController/data',
      '/opt/tplink/EAPController/logs',
    ])
    expect(Object.keys(configuration.config.ExposedPorts)).toContain('29810/udp')
  }
  const versions = manifest.map((image) => (JSON.parse(read(image.Config).toString()) as Configuration).config.Env[1])
  expect(versions).toEqual(['STANDIN_VERSION=6.2.0.17', 'STANDIN_VERSION=5.15.24.19'])
  const members = (
    await Promise.all((manifest[0]?.Layers ?? []).map((layer) => run('tar', ['-tf', join(directory, layer)])))
  )
    .map(({ stdout }) => stdout)
    .join('')
  for (const path of ['opt/standin/node', 'opt/standin/controller.mjs', 'tmp/', 'opt/tplink/EAPController/data/']) {
    expect(members.split('\n')).toContain(path)
  }
  expect(members).toMatch(/libc\.so\.6/)
  expect(members).toMatch(/ld-linux/)
}, 60_000)

it('holds a controller that needs nothing but Node', async () => {
  const directory = temporaryDirectory()
  const [program] = await programLayer()
  if (program === undefined || !('content' in program)) throw new Error('no program')
  writeFileSync(join(directory, 'controller.mjs'), program.content)
  const child = spawn(process.execPath, [join(directory, 'controller.mjs')], {
    env: loopbackEnvironment(join(directory, 'data')),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  await expect.poll(() => output, { timeout: 15_000 }).toContain('Omada Controller started')
  child.kill('SIGTERM')
  expect(await ended).toBe(143)
}, 60_000)

it('comes out the same twice', async () => {
  const directory = temporaryDirectory()
  const digests: string[] = []
  for (const name of ['a.tar', 'b.tar']) {
    await buildImage({ tags: [parseTag('localhost/s:6.2')], archive: join(directory, name) })
    digests.push(
      createHash('sha256')
        .update(readFileSync(join(directory, name)))
        .digest('hex'),
    )
  }
  expect(digests[0]).toBe(digests[1])
}, 60_000)

describe('a tag', () => {
  it.each([
    ['localhost/omada-standin:6.2', '6.2.0.17'],
    ['127.0.0.1:5000/omada:5.15-openj9', '5.15.24.19'],
    ['localhost/omada-standin:6.2=6.2.9.9', '6.2.9.9'],
    ['localhost/omada-standin:whatever', '6.2.0.17'],
  ])('%s stands for version %s', (text, version) => {
    expect(parseTag(text).version).toBe(version)
  })

  it.each(['no-tag', '127.0.0.1:5000/omada', 'a:b=latest'])('%s is refused', (text) => {
    expect(() => parseTag(text)).toThrow()
  })
})
