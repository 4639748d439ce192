import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './context.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-service-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** `omada-host host` with this configuration, in a process that systemd started or in one of a terminal. */
async function host(config: object, { asService, signal }: { asService: boolean; signal?: AbortSignal }) {
  const file = join(directory, 'config.yaml')
  await writeFile(file, JSON.stringify(config))
  const argv = ['--config', file, '--runtime-dir', directory, 'host', '--state-dir', directory]
  const env = asService ? { NOTIFY_SOCKET: join(directory, 'notify') } : {}
  return await run(argv, { env, ...(signal === undefined ? {} : { signal }) })
}

test('a service that ends before it could ask about its end says so, as a signal would', async () => {
  const signal = AbortSignal.abort()
  expect((await host({}, { asService: true, signal })).code).toBe(143)
  expect((await host({}, { asService: false, signal })).code).toBe(0)
})

test('a wrong configuration is told from every other failure', async () => {
  const wrong = await host({ nothing: 1 }, { asService: true })
  expect(wrong.code).toBe(78)
  expect(wrong.err).toContain('CONFIG_INVALID')
})
