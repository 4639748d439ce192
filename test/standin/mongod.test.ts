import { chmodSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { StandinController } from './controller/controller.ts'
import { loopbackEnvironment, operator, startController, temporaryDirectory } from './support.ts'

const here = dirname(fileURLToPath(import.meta.url))

/** A program with mongod's command line that serves as the posing database does. */
function fakeMongod(directory: string, body?: string): string {
  const path = join(directory, 'mongod')
  const serve = `
    import { MongoServer } from '${join(here, 'mongo/server.ts')}'
    const at = (name) => process.argv[process.argv.indexOf(name) + 1]
    if (!at('--dbpath').endsWith('/db')) process.exit(9)
    const server = new MongoServer({ pose: '8.0', host: at('--bind_ip'), port: Number(at('--port')) })
    process.on('SIGTERM', () => server.stop())
    await server.start()`
  writeFileSync(`${path}.mts`, body ?? serve)
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${path}.mts' "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

/** A port that was free a moment ago: a child of ours cannot tell us which it took. */
async function freePort(): Promise<string> {
  const { at, controller } = await startController()
  const port = at('mongo')
  await controller.stop()
  return String(port)
}

it('runs a real mongod when one is named, kills it and brings it back on demand', async () => {
  const directory = temporaryDirectory()
  const port = await freePort()
  const { at, controller } = await startController(
    { STANDIN_MONGOD: fakeMongod(directory), STANDIN_MONGO_PORT: port },
    directory,
  )
  const ping = async () => {
    const client = new MongoClient(`mongodb://127.0.0.1:${port}`, { serverSelectionTimeoutMS: 1000 })
    try {
      return await client.db('admin').command({ ping: 1 })
    } finally {
      await client.close()
    }
  }
  expect(await ping()).toMatchObject({ ok: 1 })
  await operator(at('api'), '/faults', { database: 'dead' })
  await expect(ping()).rejects.toThrow()
  await operator(at('api'), '/faults', { database: 'up' })
  expect(await ping()).toMatchObject({ ok: 1 })
  await controller.stop()
  expect(await controller.ended).toBe(143)
  await expect(ping()).rejects.toThrow()
})

it('fails to start when that mongod does not', async () => {
  const directory = temporaryDirectory()
  const environment = loopbackEnvironment(directory, {
    STANDIN_MONGOD: fakeMongod(directory, 'process.exit(100)'),
    STANDIN_MONGO_PORT: await freePort(),
  })
  const controller = new StandinController({ environment, write: () => undefined })
  await controller.start()
  expect(await controller.ended).toBe(1)
})
