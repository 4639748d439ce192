import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { ApplianceError } from '../../src/core/errors.ts'
import { type ControlPorts, ControlServer } from '../../src/ipc/control.ts'
import { readLogs, sendAcknowledge, sendControl } from '../../src/ipc/control-client.ts'
import { waitFor } from '../support/wait-for.ts'
import { collect, silent, soon, temporaryDirectory } from './fixtures.ts'

async function serve(ports: Partial<ControlPorts['verbs'] & Omit<ControlPorts, 'verbs'>>) {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'control.sock')
  const unasked = async () => ({ message: 'done' })
  const { logs, acknowledge = unasked, ...verbs } = ports
  const server = new ControlServer({
    logger: silent,
    path,
    verbs: { pull: unasked, restart: unasked, stop: unasked, start: unasked, reload: unasked, ...verbs },
    acknowledge,
    logs:
      logs ??
      async function* () {
        yield 'one'
      },
  })
  await server.start(soon())
  const stop = async () => {
    await server.stop(soon())
    await directory[Symbol.asyncDispose]()
  }
  return { path, server, [Symbol.asyncDispose]: stop }
}

test('only the owner may open the control socket', async () => {
  await using served = await serve({})
  expect((await stat(served.path)).mode & 0o777).toBe(0o600)
})

test('a verb is carried out and its message returned', async () => {
  const restart = vi.fn(async () => ({ message: 'restarted in 4 s' }))
  await using served = await serve({ restart })
  expect(await sendControl(served.path, 'restart', soon())).toBe('restarted in 4 s')
  expect(restart).toHaveBeenCalledOnce()
})

test('the code of a problem that is acknowledged arrives', async () => {
  const acknowledge = vi.fn(async () => ({ message: 'noted' }))
  await using served = await serve({ acknowledge })
  expect(await sendAcknowledge(served.path, 'CONTROLLER_KILLED', soon())).toBe('noted')
  expect(acknowledge).toHaveBeenCalledWith('CONTROLLER_KILLED', expect.any(AbortSignal), undefined)
})

test("the appliance's refusal arrives with code, message and remedy", async () => {
  const fault = { code: 'COMMAND_REFUSED', message: 'it is stopping', remedy: 'wait' } as const
  await using served = await serve({
    start: async () => {
      throw new ApplianceError(fault)
    },
  })
  const error = await sendControl(served.path, 'start', soon()).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ApplianceError)
  expect(error).toMatchObject(fault)
})

test('a defect arrives as INTERNAL, and the next command works', async () => {
  await using served = await serve({
    pull: async () => {
      throw new TypeError('x is undefined')
    },
  })
  await expect(sendControl(served.path, 'pull', soon())).rejects.toMatchObject({ code: 'INTERNAL' })
  expect(await sendControl(served.path, 'stop', soon())).toBe('done')
})

test('the signal of a verb aborts when the one who asked goes away', async () => {
  const aborted = vi.fn()
  await using served = await serve({
    pull: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted()
          reject(signal.reason)
        })
      }),
  })
  const controller = new AbortController()
  const asking = sendControl(served.path, 'pull', controller.signal)
  setTimeout(() => controller.abort(new Error('Ctrl-C')), 100)
  await expect(asking).rejects.toThrow('Ctrl-C')
  await waitFor(() => expect(aborted).toHaveBeenCalledOnce())
})

test('without an appliance a verb is APPLIANCE_UNREACHABLE', async () => {
  await using directory = await temporaryDirectory()
  await expect(sendControl(join(directory.path, 'x'), 'stop', soon())).rejects.toMatchObject({
    code: 'APPLIANCE_UNREACHABLE',
  })
})

test('log lines arrive whole, with what was asked for passed on', async () => {
  const asked = vi.fn()
  await using served = await serve({
    async *logs(options) {
      asked(options)
      yield 'ä first'
      yield ''
      yield 'x'.repeat(100_000)
    },
  })
  const lines = await collect(readLogs(served.path, { follow: false, tail: 7, signal: soon() }))
  expect(lines).toEqual(['ä first', '', 'x'.repeat(100_000)])
  expect(asked).toHaveBeenCalledWith({ follow: false, tail: 7, signal: expect.any(AbortSignal) })
})

test('a followed log is live and is released when the reader leaves', async () => {
  const released = vi.fn()
  await using served = await serve({
    async *logs({ signal }) {
      try {
        yield 'live'
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      } finally {
        released()
      }
    },
  })
  for await (const line of readLogs(served.path, { follow: true, tail: 0, signal: soon() })) {
    expect(line).toBe('live')
    break
  }
  await waitFor(() => expect(released).toHaveBeenCalledOnce())
})

test('a log that cannot be read is an error, one that breaks off is not a complete one', async () => {
  const fault = { code: 'ENGINE_UNREACHABLE', message: 'no engine', remedy: 'start it' } as const
  await using refusing = await serve({
    logs: async function* () {
      yield* []
      throw new ApplianceError(fault)
    },
  })
  const lines = (path: string) => collect(readLogs(path, { follow: false, tail: 1, signal: soon() }))
  await expect(lines(refusing.path)).rejects.toMatchObject(fault)
  await using breaking = await serve({
    logs: async function* () {
      yield 'one'
      throw new Error('gone')
    },
  })
  await expect(lines(breaking.path)).rejects.toMatchObject({ code: 'APPLIANCE_UNREACHABLE' })
})

test.for([
  ['POST', '/v1/format-disk', 404, 'HTTP_NOT_FOUND'],
  ['GET', '/v1/stop', 404, 'HTTP_NOT_FOUND'],
  ['POST', '/v1/acknowledge', 400, 'HTTP_REQUEST'],
  ['POST', '/v1/acknowledge?code=%2e%2e', 400, 'HTTP_REQUEST'],
  ['GET', '/v1/logs?tail=-1', 400, 'HTTP_REQUEST'],
  ['GET', '/v1/logs?tail=many', 400, 'HTTP_REQUEST'],
] as const)('%s %s is refused', async ([method, url, status, code]) => {
  await using served = await serve({})
  const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const outgoing = request({ socketPath: served.path, method, path: url, agent: false }, async (response) => {
      resolve({ status: response.statusCode, body: (await collect(response)).join('') })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.body)).toMatchObject({ code, message: expect.any(String), remedy: expect.any(String) })
})

test('stop ends a verb that is under way', async () => {
  const underWay = Promise.withResolvers<void>()
  await using served = await serve({
    pull: (signal) => {
      underWay.resolve()
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const asking = sendControl(served.path, 'pull', soon()).catch((error: unknown) => error)
  await underWay.promise
  await served.server.stop(soon())
  expect(await asking).toBeInstanceOf(Error)
})

test('a verb that the end of the appliance cuts short is no defect', async () => {
  await using served = await serve({
    pull: async () => {
      throw new DOMException('This operation was aborted', 'AbortError')
    },
  })
  await expect(sendControl(served.path, 'pull', soon())).rejects.toMatchObject({
    code: 'COMMAND_REFUSED',
    message: 'omada-host ended before this was done: pull',
  })
})
