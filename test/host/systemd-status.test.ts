import { expect, test } from 'vitest'
import { stepCounter, systemdStatus } from '../../src/host/systemd-status.ts'
import type { HostState } from '../../src/ipc/host-state.ts'
import { StateStore } from '../../src/ipc/store.ts'
import { hostState, silent, soon } from '../ipc/fixtures.ts'
import { fakeNotifier } from '../systemd/notifier.ts'

const of = (phase: HostState['phase'], message: string, changes: Partial<HostState> = {}): HostState => ({
  ...hostState(),
  phase,
  reason: { message },
  ...changes,
})
const pulling = (current: number): HostState =>
  of('pulling', 'pulling the image', {
    controller: {
      image: 'x',
      address: '10.0.0.2',
      pull: { image: 'x', current, total: 100_000_000, layers: [], attempt: 1 },
    },
  })

async function scene() {
  const time = { now: 0 }
  const { notifier, calls } = fakeNotifier()
  const state = new StateStore({ initial: hostState() })
  const status = systemdStatus({
    state,
    logger: silent,
    clock: { now: () => time.now, wall: () => time.now, sleep: async () => {} },
    notifier,
  })
  await status.start(soon())
  const tell = async (next: HostState) => {
    state.update(() => next)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { time, calls, status, tell }
}

test('each change is told, and READY once, after the line that says so', async () => {
  const { calls, tell } = await scene()
  await tell(of('starting', 'waiting for MongoDB'))
  await tell(of('ready', 'all is well'))
  await tell(of('degraded', 'MongoDB is down'))
  await tell(of('ready', 'all is well'))
  expect(calls).toEqual([
    'status Waiting for MongoDB',
    'status Ready: all is well',
    'ready',
    'status Degraded: MongoDB is down',
    'status Ready: all is well',
  ])
})

test('what does not change the line is not told, and a pull at most once a second', async () => {
  const { time, calls, tell } = await scene()
  await tell(of('ready', 'all is well'))
  await tell(of('ready', 'all is well', { portHolders: [{ protocol: 'tcp', port: 1, pid: 1, process: 'x' }] }))
  expect(calls).toEqual(['status Ready: all is well', 'ready'])
  calls.length = 0
  await tell(pulling(10_000_000))
  time.now = 999
  await tell(pulling(20_000_000))
  time.now = 1000
  await tell(pulling(30_000_000))
  await tell(of('creating', 'creating the container'))
  expect(calls.map((call) => call.slice(7, 30))).toEqual([
    'Pulling image 10 % (10 ',
    'Pulling image 30 % (30 ',
    'Creating the container',
  ])
})

test('after its stop nothing is told any more', async () => {
  const { calls, status, tell } = await scene()
  await tell(of('starting', 'before'))
  await status.stop(soon())
  await tell(of('stopped', 'after'))
  expect(calls).toEqual(['status Before'])
})

test('steps of a start count once, so that what goes in circles is no progress', () => {
  const count = stepCounter()
  const first = count(pulling(0))
  expect(count(pulling(50))).toBeGreaterThan(first)
  const best = count(pulling(60))
  // The next try begins at nothing.
  expect(count(pulling(0))).toBe(best)
  expect(count(pulling(60))).toBe(best)
  const created = { ...of('creating', 'creating'), history: [entry('controller', 'pulled the image')], conditions: [] }
  expect(count(created)).toBe(best + 2)
  expect(count(pulling(0))).toBe(best + 2)
  expect(count({ ...created, history: [...created.history, entry('phase', 'anything')] })).toBe(best + 2)
  const condition = { name: 'database', reason: { message: '' }, since: '' }
  expect(count({ ...created, conditions: [{ ...condition, status: 'failing' }] })).toBe(best + 2)
  expect(count({ ...created, conditions: [{ ...condition, status: 'ok' }] })).toBe(best + 3)
})

function entry(subject: string, message: string) {
  return { at: '', subject, to: 'done', message }
}
