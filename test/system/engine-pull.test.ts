import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { type PullEvent, Puller, type PullUnderWay } from '../../src/host/controller/puller.ts'
import type { PullUpdate } from '../../src/host/engine/engine.ts'
import { registryLogin } from '../../src/host/images/auth-file.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { EngineMachine } from './engine-machine.ts'

const forever = new AbortController().signal
const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })
const { image } = EngineMachine
const foreignImage = '127.0.0.1:5000/omada/foreign:6.2'
const listImage = '127.0.0.1:5000/omada/list:6.2'
const ownArchitecture = process.arch === 'x64' ? 'amd64' : process.arch
const otherArchitecture = ownArchitecture === 'amd64' ? 'arm64' : 'amd64'

let machine: EngineMachine

beforeAll(async () => {
  machine = await EngineMachine.open()
  await machine.startRegistry()
  await machine.build(image, { megabytes: 24 })
  await machine.publish(image)
  await machine.build(foreignImage, { architecture: otherArchitecture })
  await machine.publish(foreignImage)
  await machine.publishList(listImage, foreignImage)
})
afterAll(async () => {
  await machine?.close()
})
beforeEach(async () => {
  machine.registryIs('fine')
  await machine.podman.run(['rmi', '--all', '--force'])
})

const pull = async (reference: string, signal = forever, onProgress: (update: PullUpdate) => void = () => {}) =>
  await machine.engine.pull(reference, { signal, onProgress })

describe('a pull', () => {
  test('tells its progress in bytes, by layer and in total', async () => {
    machine.registryIs('slow')
    const updates: PullUpdate[] = []
    await pull(image, forever, (update) => updates.push(update))
    const under = updates.filter(({ current, total }) => current > 0 && current < total)
    expect(under.length).toBeGreaterThan(1)
    expect(under.at(-1)?.total).toBeGreaterThan(24 * 1024 * 1024)
    const totals = updates.map(({ current }) => current)
    expect(totals).toEqual([...totals].sort((a, b) => a - b))
    expect(updates.at(-1)?.layers.every(({ done }) => done)).toBe(true)
    expect(await machine.engine.image(image, forever)).toMatchObject({
      architecture: ownArchitecture,
      digests: [expect.stringMatching(/^sha256:[0-9a-f]{64}$/)],
    })
  })

  test('is cancelled in its middle, and done again afterwards', async () => {
    machine.registryIs('slow')
    const cancel = new AbortController()
    const cancelled = pull(image, cancel.signal, ({ current }) => {
      if (current > 0) cancel.abort()
    })
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' })
    expect(await machine.engine.image(image, forever)).toBeUndefined()
    machine.registryIs('fine')
    await pull(image)
    expect(await machine.engine.image(image, forever)).toBeDefined()
  })

  test.each<[string, () => void, string, string]>([
    ['of an unknown tag', () => {}, '127.0.0.1:5000/omada/tiny:nope', 'IMAGE_NOT_FOUND'],
    ['of an unknown repository', () => {}, '127.0.0.1:5000/omada/nothing:6.2', 'IMAGE_NOT_FOUND'],
    ['from a registry that is not there', () => {}, '127.0.0.1:5009/omada/tiny:6.2', 'REGISTRY_UNREACHABLE'],
    ['from a registry that is ill', () => machine.registryIs('down'), image, 'REGISTRY_FAILED'],
    ['from a registry that has had enough', () => machine.registryIs('limited'), image, 'REGISTRY_LIMIT'],
    ['from a registry that wants a login', () => machine.registryIs('login'), image, 'REGISTRY_LOGIN'],
    ['of a blob that is cut short', () => machine.registryIs('truncate'), image, 'IMAGE_PULL_FAILED'],
    ['of a list without this architecture', () => {}, listImage, 'IMAGE_ARCHITECTURE'],
  ])('%s fails, though the engine answers 200', async (_, prepare, reference, code) => {
    prepare()
    await expect(pull(reference)).rejects.toMatchObject({ code })
    expect(await machine.engine.image(reference, forever)).toBeUndefined()
  })
})

test('a login of the configured file opens the registry', async () => {
  machine.registryIs('login')
  const path = join(machine.ledger.directory, 'auth.json')
  const auth = (password: string) => Buffer.from(`omada:${password}`).toString('base64')
  const write = (password: string) =>
    writeFileSync(path, JSON.stringify({ auths: { '127.0.0.1:5000': { auth: auth(password) } } }))
  const pullByFile = async () =>
    await machine.engine.pull(image, {
      signal: forever,
      onProgress: () => {},
      login: await registryLogin(path, image),
    })
  write('wrong')
  await expect(pullByFile()).rejects.toMatchObject({ code: 'REGISTRY_LOGIN' })
  write('a:b+/c')
  await pullByFile()
  expect(await machine.engine.image(image, forever)).toBeDefined()
})

describe('the puller', () => {
  /** A puller with what it tells of its one pull; undefined when that is over. */
  const puller = () => {
    const told: { pull?: PullUnderWay | undefined } = {}
    const onEvent = (event: PullEvent) => {
      told.pull = event.kind === 'pulling' ? event.pull : undefined
    }
    return { told, own: new Puller({ logger, clock: systemClock, architecture: ownArchitecture, onEvent }) }
  }

  test('refuses an image for another architecture, which Podman takes', async () => {
    const attempt = puller().own.pull(machine.engine, foreignImage, { attempts: 5, signal: forever })
    await expect(attempt).rejects.toMatchObject({
      code: 'IMAGE_ARCHITECTURE',
      message: expect.stringContaining(otherArchitecture),
    })
  })

  test('goes on by itself when the engine was killed in the middle and came back', async () => {
    machine.registryIs('slow')
    const { own, told } = puller()
    const pulled = own.pull(machine.engine, image, { attempts: 10, signal: forever })
    pulled.catch(() => {})
    await eventually(
      async () => told.pull?.progress?.current ?? 0,
      (current) => current > 0,
    )
    await machine.killService()
    await eventually(
      async () => told.pull?.fault?.code,
      (code) => code === 'ENGINE_UNREACHABLE',
    )
    machine.registryIs('fine')
    await machine.startService()
    expect(await pulled).toMatchObject({ architecture: ownArchitecture })
  })

  test('goes on by itself when the registry comes back', async () => {
    machine.registryIs('truncate')
    const { own, told } = puller()
    const pulled = own.pull(machine.engine, image, { attempts: 10, signal: forever })
    pulled.catch(() => {})
    await eventually(
      async () => told.pull?.fault?.code,
      (code) => code === 'IMAGE_PULL_FAILED',
    )
    machine.registryIs('fine')
    await pulled
    expect(told.pull).toBeUndefined()
  })
})

test('a full disk is told as such', async () => {
  const root = `${machine.ledger.directory}/podman/root`
  await machine.stopService()
  await command(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root])
  try {
    await machine.startService()
    await expect(pull(image)).rejects.toMatchObject({ code: 'DISK_FULL' })
  } finally {
    await machine.stopService()
    await command(['umount', '--lazy', root])
    await machine.startService()
  }
})
