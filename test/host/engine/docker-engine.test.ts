import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DockerEngine } from '../../../src/host/engine/docker-engine.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const forever = new AbortController().signal
const version = { Version: '4.3.1', ApiVersion: '1.41', Arch: 'amd64', Components: [{ Name: 'Podman Engine' }] }

let directory: string
let socket: string
const servers: Server[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'engine-'))
  socket = join(directory, 'engine.sock')
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await rm(directory, { recursive: true, force: true })
})

/** An engine's API on a unix socket that answers as `routes` say; the first whose key the URL starts with. */
async function api(routes: Record<string, Answer>, path = socket): Promise<Server> {
  const server = createServer((request, response) => {
    const known: Record<string, Answer> = { ...routes, '/version': (_, answer) => json(answer, version) }
    const route = Object.keys(known).find((start) => request.url?.startsWith(start) === true)
    const answer = route === undefined ? undefined : known[route]
    if (answer === undefined) json(response, { message: 'no such thing' }, 404)
    else answer(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

function json(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const engine = (...sockets: string[]) => new DockerEngine({ sockets: sockets.length === 0 ? [socket] : sockets })

describe('the socket', () => {
  test('is the first that answers', async () => {
    await api({ '/info': (_, response) => json(response, { DefaultRuntime: 'runc' }) })
    const info = await engine(join(directory, 'absent.sock'), socket).info(forever)
    expect(info).toMatchObject({ kind: 'podman', socket, defaultRuntime: 'runc' })
  })

  test('that is not there is told, with all that were tried', async () => {
    const attempt = engine('/nowhere/a.sock', '/nowhere/b.sock').info(forever)
    await expect(attempt).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/a\.sock: there is no such socket; .*b\.sock/),
    })
  })

  test('is looked for again after the engine was restarted', async () => {
    const first = await api({ '/info': (_, response) => json(response, { DefaultRuntime: 'crun' }) })
    const connected = engine()
    await connected.info(forever)
    first.closeAllConnections()
    await new Promise((resolve) => first.close(resolve))
    await expect(connected.info(forever)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    await api({ '/info': (_, response) => json(response, { DefaultRuntime: 'runc' }) })
    await expect(connected.info(forever)).resolves.toMatchObject({ defaultRuntime: 'runc' })
  })
})

describe('an answer', () => {
  test('of 404 means that there is no such thing', async () => {
    await api({})
    await expect(engine().container('x', forever)).resolves.toBeUndefined()
    await expect(engine().image('a/b:1', forever)).resolves.toBeUndefined()
    await expect(engine().network('n', forever)).resolves.toBeUndefined()
  })

  test("that is a refusal carries the engine's words", async () => {
    await api({ '/containers/': (_, response) => json(response, { message: 'container state improper' }, 500) })
    await expect(engine().remove('x', forever)).rejects.toMatchObject({
      code: 'ENGINE_REQUEST',
      message: expect.stringContaining('container state improper'),
    })
  })

  test('that breaks off is a lost connection', async () => {
    await api({
      '/containers/': (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"Id":')
        setTimeout(() => response.destroy(), 20)
      },
    })
    await expect(engine().container('x', forever)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })

  test("that does not come is given up when the caller does, with the caller's reason", async () => {
    await api({ '/containers/': () => {} })
    const giveUp = new AbortController()
    const look = engine().container('x', giveUp.signal)
    setTimeout(() => giveUp.abort(new Error('enough')), 50)
    await expect(look).rejects.toThrow('enough')
  })
})

describe('a pull', () => {
  test('that breaks off in the middle is a lost connection', async () => {
    await api({
      '/images/create': (_, response) => {
        response.writeHead(200).write('{"status":"Downloading","id":"a","progressDetail":{"current":1,"total":2}}\n')
        setTimeout(() => response.destroy(), 20)
      },
    })
    const seen: number[] = []
    const pull = engine().pull('a/b:1', { signal: forever, onProgress: ({ current }) => seen.push(current) })
    await expect(pull).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    expect(seen).toEqual([1])
  })

  test('that is refused by status is classified too', async () => {
    await api({ '/images/create': (_, response) => json(response, { message: 'manifest unknown' }, 404) })
    const pull = engine().pull('a/b:1', { signal: forever, onProgress: () => {} })
    await expect(pull).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('that is cancelled closes its connection', async () => {
    const closed = Promise.withResolvers<void>()
    await api({
      '/images/create': (_, response) => {
        response.writeHead(200).write('{"status":"Downloading","id":"a","progressDetail":{"current":1,"total":2}}\n')
        response.on('close', () => closed.resolve())
      },
    })
    const cancel = new AbortController()
    const pull = engine().pull('a/b:1', { signal: cancel.signal, onProgress: () => cancel.abort() })
    await expect(pull).rejects.toMatchObject({ name: 'AbortError' })
    await closed.promise
  })
})

test('a file is put into a container and read from it; one that is not there is none', async () => {
  const put: Buffer[] = []
  await api({
    '/containers/c1/archive?path=%2Fdata': (request, response) => {
      request.on('data', (chunk: Buffer) => put.push(chunk)).on('end', () => response.writeHead(200).end())
    },
    '/containers/c1/archive?path=%2Fread': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-tar' }).end(Buffer.concat(put))
    },
    '/containers/c1/archive?path=%2Ftext': (_, response) => response.writeHead(200).end('text '.repeat(200)),
  })
  const connected = engine()
  await connected.putFile('c1', { directory: '/data', name: 'id', content: 'abc', uid: 508, gid: 508 }, forever)
  expect(await connected.file('c1', '/read', { maxBytes: 2, signal: forever })).toEqual({
    size: 3,
    content: Buffer.from('ab'),
  })
  await expect(connected.file('c1', '/text', { maxBytes: 2, signal: forever })).rejects.toMatchObject({
    message: expect.stringContaining('no archive'),
  })
  expect(await connected.file('c1', '/other', { maxBytes: 2, signal: forever })).toBeUndefined()
})

test('a stop of what has stopped is done', async () => {
  await api({ '/containers/': (_, response) => response.writeHead(304).end() })
  await engine().stop('x', 60, forever)
})

test('events are followed until the caller leaves', async () => {
  await api({
    '/events': (_, response) => {
      response.write(
        '{"Type":"container","Action":"die","Actor":{"Attributes":{"name":"omada-controller"}}}\nnonsense\n',
      )
      response.write('{"Type":"network","Action":"remove","Actor":{"Attributes":{"name":"omada"}}}\n')
    },
  })
  const seen: string[] = []
  for await (const { type, action, name } of await engine().events(forever)) {
    seen.push(`${type} ${action} ${name}`)
    if (seen.length === 2) break
  }
  expect(seen).toEqual(['container die omada-controller', 'network remove omada'])
})
