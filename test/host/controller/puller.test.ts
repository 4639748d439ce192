import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ApplianceError } from '../../../src/core/errors.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { Puller } from '../../../src/host/controller/puller.ts'
import type { PullOptions, RegistryLogin } from '../../../src/host/engine/engine.ts'
import { pullFault } from '../../../src/host/engine/pull.ts'
import { FakeEngine } from './fake-engine.ts'

const image = 'registry.example/a/b:1'

/** Pulls once from a registry that answers `message`, and returns what is logged of it. */
async function logOf(message: string): Promise<string> {
  const logged = Promise.withResolvers<string>()
  const end = new AbortController()
  const engine = new FakeEngine(image)
  engine.pull = async () => {
    throw new ApplianceError(pullFault(message, image))
  }
  const logger = createLogger({ level: 'warn', format: 'json', write: (line) => logged.resolve(line) })
  const puller = new Puller({ logger, clock: systemClock, architecture: 'amd64', onEvent: () => {} })
  const pull = puller.pull(engine, image, { attempts: 2, signal: end.signal })
  const ended = expect(pull).rejects.toMatchObject({ name: 'AbortError' })
  const line = await logged.promise
  end.abort()
  await ended
  return line
}

test('a registry that limits is asked again after as long as it says', async () => {
  expect(await logOf('toomanyrequests: retry-after: 90s')).toContain('trying again in 90 s')
  expect(await logOf('toomanyrequests: You have reached your pull rate limit')).toContain('trying again in 60 s')
})

test.each(['unauthorized', 'HTTP status: 500 Internal Server Error', 'x509: no', 'Proxy Authentication Required'])(
  'after %s it is tried again by itself',
  async (message) => {
    expect(await logOf(message)).toMatch(/trying again in \d s/)
  },
)

test('the login is looked up for the image, and given to the engine', async () => {
  const given: (RegistryLogin | undefined)[] = []
  const login = { username: 'u', password: 'p', serveraddress: 'registry.example' }
  const engine = new FakeEngine(image)
  engine.pull = async (_: string, options: PullOptions) => {
    given.push(options.login)
    throw new ApplianceError(pullFault('manifest unknown', image))
  }
  const puller = new Puller({
    logger: createLogger({ level: 'silent', format: 'json', write: () => {} }),
    clock: systemClock,
    architecture: 'amd64',
    onEvent: () => {},
    login: async (reference) => (reference === image ? login : undefined),
  })
  const signal = new AbortController().signal
  await expect(puller.pull(engine, image, { attempts: 1, signal })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  expect(given).toEqual([login])
})
