import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { DatabaseWatch } from '../../../src/host/health/database-watch.ts'
import { type DriverVersion, loadDriver } from '../../../src/host/health/mongo-driver.ts'
import { answer, newTopologyVersion } from '../../standin/mongo/commands.ts'
import { MongoServer } from '../../standin/mongo/server.ts'
import { encodeReply, RequestReader } from '../../standin/mongo/wire.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const current = await loadDriver('current')

async function scene(pose: '3.6' | '8.0' = '8.0', version: DriverVersion = 'for MongoDB 3.6', options = '') {
  const mongo = new MongoServer({ pose, host: '127.0.0.1', port: 0 })
  const port = await mongo.start()
  closers.push(() => mongo.stop())
  let writable = 0
  const watch = new DatabaseWatch({
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true${options}`,
    driver: await loadDriver(version),
    onWritable: () => writable++,
  })
  closers.push(() => watch.close())
  return { mongo, port, watch, writable: () => writable }
}

it.each([
  ['3.6', 'for MongoDB 3.6', '3.6.8'],
  ['8.0', 'for MongoDB 3.6', '8.0.15'],
  ['8.0', 'current', '8.0.15'],
] as const)('finds MongoDB %s writable and answering, by the driver %s', async (pose, driver, version) => {
  const { watch, writable } = await scene(pose, driver)
  expect(await watch.ask()).toEqual({
    pingOk: true,
    writable: true,
    serverType: 'Standalone',
    version,
    roundTripMilliseconds: expect.any(Number),
  })
  expect(writable()).toBe(1)
})

it('says why a database does not answer, and finds it when it comes back', async () => {
  const { mongo, port, watch, writable } = await scene()
  await watch.ask()
  await mongo.stop()
  await expect
    .poll(() => watch.ask(), { timeout: 15_000 })
    .toMatchObject({ pingOk: false, writable: false, error: `connect ECONNREFUSED 127.0.0.1:${port}` })
  await mongo.start()
  await expect.poll(() => watch.ask(), { timeout: 15_000 }).toMatchObject({ pingOk: true, writable: true })
  expect(writable()).toBe(2)
})

it('tells the version of the database that came in place of the one that was lost', async () => {
  const { mongo, port, watch } = await scene('3.6')
  expect((await watch.ask()).version).toBe('3.6.8')
  await mongo.stop()
  await expect.poll(() => watch.ask(), { timeout: 15_000 }).toMatchObject({ pingOk: false })
  const upgraded = new MongoServer({ pose: '8.0', host: '127.0.0.1', port })
  closers.push(() => upgraded.stop())
  await upgraded.start()
  await expect.poll(() => watch.ask(), { timeout: 15_000 }).toMatchObject({ version: '8.0.15' })
})

it('says that the current driver is too new for MongoDB 3.6', async () => {
  const { watch } = await scene('3.6', 'current')
  expect(await watch.ask()).toMatchObject({
    pingOk: false,
    error: expect.stringMatching(/maximum wire version 6/),
    tooOldForDriver: true,
  })
})

it.each(['current', 'for MongoDB 3.6'] as const)(
  'asks for no compression, whatever the URI wants, by the driver %s',
  async (version) => {
    const asked: unknown[] = []
    const server = createServer((socket) => {
      const reader = new RequestReader()
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        for (const { command } of reader.push(chunk)) asked.push(command.compression)
        socket.destroy()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(() => resolve())))
    const { port } = server.address() as AddressInfo
    for (const options of [
      'compressors=zlib',
      'directConnection=true&compressors=zlib',
      'compressors=zlib&appName=x',
    ]) {
      const uri = `mongodb://127.0.0.1:${port}/?${options}`
      const watch = new DatabaseWatch({ uri, driver: await loadDriver(version), onWritable: () => {} })
      await watch.ask()
      await watch.close()
    }
    expect(asked.length).toBeGreaterThanOrEqual(3)
    expect(new Set(asked.flat())).toEqual(new Set(['none']))
  },
)

it.each(['current', 'for MongoDB 3.6'] as const)(
  'says that a database is too old for any driver instead of dying of it: %s',
  async (version) => {
    const server = createServer((socket) => {
      const reader = new RequestReader()
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        for (const { command, form, requestId } of reader.push(chunk)) {
          const greeting = answer({ pose: '3.6', command, topology: newTopologyVersion(), connectionId: 1 })
          // MongoDB 3.4.
          const document = { ...greeting, maxWireVersion: 5 }
          socket.write(encodeReply({ form, id: requestId + 1, responseTo: requestId, document, moreToCome: false }))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => new Promise((resolve) => server.close(() => resolve())))
    const { port } = server.address() as AddressInfo
    const watch = new DatabaseWatch({
      uri: `mongodb://127.0.0.1:${port}/`,
      driver: await loadDriver(version),
      onWritable: () => {},
    })
    closers.push(() => watch.close())
    expect(await watch.ask()).toMatchObject({ pingOk: false, error: expect.stringMatching(/maximum wire version 5/) })
  },
)

it('waits for a database that is not there yet', async () => {
  const { mongo, watch } = await scene()
  await mongo.stop()
  expect(await watch.ask()).toMatchObject({ pingOk: false, serverType: 'Unknown' })
  const asked = watch.ask()
  await mongo.start()
  expect(await asked).toMatchObject({ pingOk: true })
})

it('shares a ping that has not ended instead of starting another', async () => {
  const { watch } = await scene()
  expect(watch.ask()).toBe(watch.ask())
  await watch.ask()
})

it.each([
  'mongodb://user:s3cret@/',
  'mongodb://user:s3cret@127.0.0.1:1/?nonsense=1',
  'mongodb://user:s3cret@host:port',
])('refuses %s without telling the password', (uri) => {
  expect(() => new DatabaseWatch({ uri, driver: current, onWritable: () => {} })).toThrow(/^the driver does not accept/)
  try {
    new DatabaseWatch({ uri, driver: current, onWritable: () => {} })
  } catch (error) {
    expect(String(error)).not.toContain('s3cret')
  }
})
