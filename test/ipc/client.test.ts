import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { fetchState, StateSubscription } from '../../src/ipc/client.ts'
import type { HostState } from '../../src/ipc/host-state.ts'
import { StateServer } from '../../src/ipc/server.ts'
import { StateStore } from '../../src/ipc/store.ts'
import { waitFor } from '../support/wait-for.ts'
import { hostState, silent, soon, temporaryDirectory } from './fixtures.ts'

const fast = { coalesceMilliseconds: 20, heartbeatMilliseconds: 15_000 }

async function answering(path: string, body: string, type = 'application/json'): Promise<Server & AsyncDisposable> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': type })
    response.write(body)
    if (type === 'application/json') response.end()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

test('without anybody there the state is APPLIANCE_UNREACHABLE with the command that starts it', async () => {
  await using directory = await temporaryDirectory()
  await expect(fetchState(join(directory.path, 'none.sock'), soon())).rejects.toMatchObject({
    code: 'APPLIANCE_UNREACHABLE',
    message: expect.stringContaining('none.sock'),
    remedy: expect.stringContaining('systemctl start omada-host'),
  })
})

test.for([
  ['another version', '{"stateVersion":2}', 'version 2'],
  ['no JSON', 'hello', 'hello'],
  ['too long', 'x'.repeat(9_000_000), 'characters'],
] as const)('a state that cannot be read is APPLIANCE_UNREACHABLE: %s', async ([, body, message]) => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 's.sock')
  await using _server = await answering(path, body)
  await expect(fetchState(path, soon())).rejects.toMatchObject({
    code: 'APPLIANCE_UNREACHABLE',
    message: expect.stringContaining(message),
  })
})

test("the caller's abort and the caller's deadline are told apart", async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 's.sock')
  await using _server = await answering(path, '', 'text/event-stream')
  const givenUp = new Error('Ctrl-C')
  const controller = new AbortController()
  const fetching = fetchState(path, controller.signal)
  controller.abort(givenUp)
  await expect(fetching).rejects.toBe(givenUp)
  await expect(fetchState(path, AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'APPLIANCE_UNREACHABLE' })
})

test('a subscription follows changes and survives a restart of the publisher', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const subscription = new StateSubscription<HostState>({ logger: silent, clock: systemClock, path })
  const heard: (string | undefined)[] = []
  subscription.changed.on((state) => heard.push(state?.phase))
  await subscription.start(soon())
  expect(subscription.current()).toBeUndefined()

  const store = new StateStore({ initial: hostState({ phase: 'starting' }) })
  const first = new StateServer({ logger: silent, path, mode: 0o660, store, timing: fast })
  await first.start(soon())
  await expect.poll(() => subscription.current()?.phase).toBe('starting')
  store.update((state) => ({ ...state, phase: 'ready' }))
  await expect.poll(() => subscription.current()?.phase).toBe('ready')

  await first.stop(soon())
  const again = new StateStore({ initial: hostState({ phase: 'degraded' }) })
  const second = new StateServer({ logger: silent, path, mode: 0o660, store: again, timing: fast })
  await second.start(soon())
  await expect.poll(() => subscription.current()?.phase).toBe('degraded')
  // A restart within the grace is not an absence.
  expect(heard).toEqual(['starting', 'ready', 'degraded'])
  await subscription.stop()
  await second.stop(soon())
})

test('the delays between tries grow, and begin again after a success', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  const delays: number[] = []
  const clock = {
    ...systemClock,
    sleep: (milliseconds: number, signal?: AbortSignal) => {
      if (milliseconds !== 5000) delays.push(milliseconds)
      return systemClock.sleep(Math.min(milliseconds, 20), signal)
    },
  }
  const subscription = new StateSubscription<HostState>({ logger: silent, clock, path })
  await subscription.start(soon())
  await expect.poll(() => delays.length).toBeGreaterThan(8)
  expect(delays[8]).toBeGreaterThan(1500)
  const server = new StateServer({ logger: silent, path, mode: 0o660, store: new StateStore({ initial: hostState() }) })
  await server.start(soon())
  await expect.poll(() => subscription.last()?.phase).toBe('ready')
  const tries = delays.length
  await server.stop(soon())
  await expect.poll(() => delays.length).toBeGreaterThan(tries)
  expect(delays[tries]).toBeLessThanOrEqual(20)
  await subscription.stop()
})

test('a lost state stays current for the grace, then only the last one is known', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'state.sock')
  let graceOver = () => {}
  // Only the sleep of five seconds is the grace; the others are delays between tries.
  const clock = {
    ...systemClock,
    sleep: (milliseconds: number, signal?: AbortSignal) =>
      milliseconds === 5000
        ? new Promise<void>((resolve) => {
            graceOver = resolve
          })
        : systemClock.sleep(milliseconds, signal),
  }
  const server = new StateServer({ logger: silent, path, mode: 0o660, store: new StateStore({ initial: hostState() }) })
  await server.start(soon())
  const subscription = new StateSubscription<HostState>({ logger: silent, clock, path })
  await subscription.start(soon())
  await expect.poll(() => subscription.current()?.phase).toBe('ready')
  const idle = graceOver
  await server.stop(soon())
  await waitFor(() => expect(graceOver).not.toBe(idle))
  expect(subscription.current()?.phase).toBe('ready')
  const heard: unknown[] = []
  subscription.changed.on((state) => heard.push(state))
  graceOver()
  await waitFor(() => expect(subscription.current()).toBeUndefined())
  expect(heard).toEqual([undefined])
  expect(subscription.last()?.phase).toBe('ready')
  await subscription.stop()
})

test.for([
  ['another version', 'event: state\ndata: {"stateVersion":7}\n\n'],
  ['no JSON', 'event: state\ndata: nonsense\n\n'],
  ['an endless line', 'x'.repeat(9_000_000)],
] as const)('a stream that cannot be read is not a state: %s', async ([, body]) => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 's.sock')
  let connections = 0
  const server = await answering(path, body, 'text/event-stream')
  server.on('connection', () => {
    connections++
  })
  const subscription = new StateSubscription<HostState>({ logger: silent, clock: systemClock, path })
  await subscription.start(soon())
  // The pauses between the tries, and megabytes read each time, take longer than `expect.poll` waits on a busy machine.
  await waitFor(() => expect(connections).toBeGreaterThan(2))
  expect(subscription.current()).toBeUndefined()
  expect(subscription.last()).toBeUndefined()
  await subscription.stop()
  server.closeAllConnections()
  await server[Symbol.asyncDispose]()
})
