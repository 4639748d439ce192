import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { chooseEngine } from '../../../src/host/engine/choose.ts'

const { signal } = new AbortController()
let directory: string
let servers: Server[]

beforeEach(async () => {
  servers = []
  directory = await mkdtemp(join(tmpdir(), 'engine-choose-'))
})
afterEach(async () => {
  for (const server of servers) server.close()
  await rm(directory, { recursive: true, force: true })
})

const socketOf = (kind: string) => join(directory, `${kind}.sock`)

/** An engine that has what `has` names: paths of its API. */
async function engine(kind: 'podman' | 'docker', has: readonly string[] = []): Promise<Server> {
  const version = {
    Version: '26.1.5',
    ApiVersion: '1.45',
    Components: kind === 'podman' ? [{ Name: 'Podman Engine' }] : [],
  }
  const container = {
    Id: kind,
    Mountpoint: '/v',
    State: { Status: 'running', Pid: 1 },
    Config: {},
    Image: 'i',
    NetworkSettings: {},
  }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    response.setHeader('content-type', 'application/json')
    if (path === '/version') response.end(JSON.stringify(version))
    else if (path === '/info') response.end('{}')
    else {
      response.statusCode = has.includes(path) ? 200 : 404
      response.end(JSON.stringify(has.includes(path) ? container : { message: 'no such thing' }))
    }
  }).listen(socketOf(kind))
  servers.push(server)
  await once(server, 'listening')
  return server
}

async function chosen(config: object = {}): Promise<string> {
  const sockets = [socketOf('podman'), socketOf('docker')]
  const found = await chooseEngine(configSchema.parse(config), { signal, sockets })
  return (await found.info(signal)).kind
}

test('Podman is taken before Docker, and Docker where only that answers', async () => {
  await engine('docker')
  expect(await chosen()).toBe('docker')
  await engine('podman')
  expect(await chosen()).toBe('podman')
})

test.each([
  ['the volume with its data', '/volumes/omada-data'],
  ['its container', '/containers/omada-controller/json'],
])('Podman that comes to a machine does not take over while Docker has %s', async (_, path) => {
  await engine('docker', [path])
  await engine('podman')
  expect(await chosen()).toBe('docker')
})

test('where both have the data, Podman is taken; engine.socket goes before everything', async () => {
  await engine('docker', ['/volumes/omada-data'])
  await engine('podman', ['/volumes/omada-data'])
  expect(await chosen()).toBe('podman')
  expect(await chosen({ engine: { socket: socketOf('docker') } })).toBe('docker')
})

test('the one that was taken stays: its loss is an error, and no change to the other', async () => {
  const docker = await engine('docker', ['/volumes/omada-data'])
  await engine('podman')
  const sockets = [socketOf('podman'), socketOf('docker')]
  const found = await chooseEngine(configSchema.parse({}), { signal, sockets })
  docker.closeAllConnections()
  await new Promise((resolve) => docker.close(resolve))
  await expect(found.info(signal)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  await expect(found.info(signal)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
})
