import { connect } from 'node:net'
import type { MongoClient } from 'mongodb'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { loadDriver } from '../../src/host/health/mongo-driver.ts'
import { waitFor } from '../support/wait-for.ts'
import { MongoServer } from './mongo/server.ts'

const drivers = { '3.6': await loadDriver('for MongoDB 3.6'), '8.0': await loadDriver('current') }
const servers: MongoServer[] = []

type Pose = keyof typeof drivers

async function serve(pose: Pose): Promise<{ server: MongoServer; uri: string; port: number }> {
  const server = new MongoServer({ pose, host: '127.0.0.1', port: 0 })
  servers.push(server)
  const port = await server.start()
  return { server, port, uri: `mongodb://127.0.0.1:${port}/omada` }
}

/** By the driver that is for the server. */
function client(uri: string, options = {}, pose: Pose = '8.0'): MongoClient {
  const { MongoClient } = drivers[pose]
  const made = new MongoClient(uri, { serverSelectionTimeoutMS: 3000, heartbeatFrequencyMS: 500, ...options })
  onTestFinished(() => made.close())
  return made
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
})

describe.each([
  { pose: '3.6', version: '3.6.8', wire: 6 },
  { pose: '8.0', version: '8.0.15', wire: 25 },
] as const)('posing as $pose, for the official driver', ({ pose, version, wire }) => {
  it('is a standalone server of that version that answers ping', async () => {
    const { uri } = await serve(pose)
    const driver = client(uri, {}, pose)
    const seen: { type: string; wire: number }[] = []
    driver.on('serverDescriptionChanged', ({ newDescription }) =>
      seen.push({ type: newDescription.type, wire: newDescription.maxWireVersion }),
    )
    await driver.connect()
    expect(await driver.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 })
    expect(await driver.db('admin').command({ buildInfo: 1 })).toMatchObject({ version })
    expect(seen).toContainEqual({ type: 'Standalone', wire })
  })

  it.each(['auto', 'poll'] as const)('keeps answering heartbeats (%s)', async (serverMonitoringMode) => {
    const { uri } = await serve(pose)
    const driver = client(uri, { serverMonitoringMode }, pose)
    let succeeded = 0
    let failed = 0
    driver.on('serverHeartbeatSucceeded', () => succeeded++)
    driver.on('serverHeartbeatFailed', () => failed++)
    await driver.connect()
    await waitFor(() => expect(succeeded).toBeGreaterThan(3))
    expect(failed).toBe(0)
  })

  it('is seen to die and to come back on the same port', async () => {
    const { server, uri } = await serve(pose)
    const driver = client(uri, {}, pose)
    const types: string[] = []
    driver.on('serverDescriptionChanged', ({ newDescription }) => types.push(newDescription.type))
    await driver.connect()
    await server.stop()
    await waitFor(() => expect(types.at(-1)).toBe('Unknown'))
    await server.start()
    await waitFor(() => expect(types.at(-1)).toBe('Standalone'))
    expect(await driver.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 })
  })
})

it('knows hello as 8.0 and does not as 3.6', async () => {
  const old = client((await serve('3.6')).uri, {}, '3.6')
  await expect(old.db('admin').command({ hello: 1 })).rejects.toMatchObject({ code: 59, codeName: 'CommandNotFound' })
  const current = client((await serve('8.0')).uri)
  expect(await current.db('admin').command({ hello: 1 })).toMatchObject({ isWritablePrimary: true })
})

it('answers late when it is slow', async () => {
  const { server, uri } = await serve('8.0')
  const driver = client(uri)
  await driver.connect()
  server.delayMilliseconds = 400
  const before = performance.now()
  await driver.db('admin').command({ ping: 1 })
  expect(performance.now() - before).toBeGreaterThan(350)
})

it.each([
  ['a length over the bound', Buffer.from('ffffff7f010000000000000dd0700000', 'hex')],
  ['a negative length', Buffer.from('ffffffff0100000000000000dd070000', 'hex')],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
  ['a truncated section', Buffer.from('1a0000000100000000000000dd0700000000000000ffffff7f00', 'hex')],
])('ends the connection on %s and goes on serving others', async (_, bytes) => {
  const { port, uri } = await serve('8.0')
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await closed
  expect(await client(uri).db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 })
})
