import { expect, test } from 'vitest'
import { execute } from '../../src/controller/execute.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ApplianceError } from '../../src/core/errors.ts'
import { createLogger } from '../../src/core/logger.ts'
import { FakeEngine } from './fake-engine.ts'

const logger = createLogger({ level: 'silent', format: 'json', write: () => {} })

async function startThatFails(message: string): Promise<unknown> {
  const engine = new FakeEngine('x')
  engine.start = async () => {
    throw new ApplianceError({ code: 'ENGINE_REQUEST', message, remedy: 'see the engine' })
  }
  const context = {
    engine,
    logger,
    clock: systemClock,
    name: 'omada',
    engineKind: 'docker' as const,
    graceSeconds: 60,
    onRetry: () => {},
    pull: async () => {},
  }
  const step = { kind: 'start', container: 'c1', fresh: false } as const
  return execute(step, context, new AbortController().signal).catch((error: unknown) => error)
}

test.each([
  [
    'netavark: aardvark-dns failed to start: Error starting server failed to bind udp listener on 10.129.81.1:53: IO error: Address already in use (os error 98)',
    'PORT_IN_USE',
    'bind-interfaces',
  ],
  [
    'IPAM error: requested ip address 10.129.81.10 is already allocated to container ID 123',
    'NETWORK_MISMATCH',
    'controllerAddress',
  ],
  ['failed to set up container networking: Address already in use', 'NETWORK_MISMATCH', 'controllerAddress'],
  ['something else', 'ENGINE_REQUEST', 'see the engine'],
])('a start that fails with %j is told as %s', async (message, code, remedy) => {
  const error = await startThatFails(message)
  expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
  expect(error).toHaveProperty('remedy', expect.stringContaining(remedy))
})
