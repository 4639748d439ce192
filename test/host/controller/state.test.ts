import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import type { Fault } from '../../../src/core/errors.ts'
import { noDeaths } from '../../../src/host/controller/deaths.ts'
import { snapshotOf } from '../../../src/host/controller/snapshot.ts'
import { labels } from '../../../src/host/controller/spec.ts'
import {
  type ControllerEvent,
  type ControllerState,
  hasDied,
  initialState,
  isSettled,
  transition,
  vanished,
} from '../../../src/host/controller/state.ts'
import type { EngineContainer } from '../../../src/host/engine/engine.ts'

const container: EngineContainer = {
  id: 'c1',
  status: 'running',
  imageId: 'i1',
  labels: { [labels.spec]: 'x' },
  exitCode: 0,
  outOfMemory: false,
  mounts: [],
  networks: [],
  pid: 7,
}
const seen = (status: EngineContainer['status'], more: Partial<EngineContainer> = {}) => ({
  image: undefined,
  network: undefined,
  container: { ...container, status, ...more },
  digest: undefined,
  dataDirectory: undefined,
})
const fault = (code: Fault['code']): Fault => ({ code, message: code, remedy: '-' })
const held = fault('CONTROLLER_REFUSED')
const running: Partial<ControllerState> = { seen: seen('running'), watched: 'c1', stage: 'up' }
const logWarning = {
  code: 'CONTROLLER_OUT_OF_MEMORY',
  message: 'its heap is exhausted',
  remedy: 'more memory',
} as const

type Row = [string, Partial<ControllerState>, ControllerEvent, Partial<ControllerState>]
const table = (...rows: Row[]) =>
  test.each<Row>(rows)('%s', (_, before, event, after) => {
    expect(transition({ ...initialState, ...before }, event)).toMatchObject(after)
  })

describe('a request', () => {
  const tried = { held, pulled: true, restartAt: 5, deaths: { times: [1], inRow: 1 } }
  const fresh = { held: undefined, pulled: false, restartAt: 0, deaths: noDeaths }
  table(
    ['to run is a fresh start', tried, { kind: 'asked', want: 'run' }, { ...fresh, want: 'run' }],
    ['to restart is one, too', tried, { kind: 'asked', want: 'restart' }, { ...fresh, want: 'restart' }],
    ['to stop forgets nothing', tried, { kind: 'asked', want: 'stop' }, { ...tried, want: 'stop' }],
    ['to run undoes no restart', { want: 'restart' }, { kind: 'asked', want: 'run' }, { want: 'restart' }],
    ['to run undoes a stop', { want: 'stop' }, { kind: 'asked', want: 'run' }, { want: 'run' }],
    ['to stop undoes a restart', { want: 'restart' }, { kind: 'asked', want: 'stop' }, { want: 'stop' }],
  )
})

describe('a look', () => {
  const look = (status: EngineContainer['status']) => ({ kind: 'seen', observation: seen(status) }) as const
  table(
    ['at one that runs leaves a restart to be done', { want: 'restart' }, look('running'), { want: 'restart' }],
    ['at a paused one, too', { want: 'restart' }, look('paused'), { want: 'restart' }],
    ['at one that ended makes a restart a start', { want: 'restart' }, look('exited'), { want: 'run' }],
    ['at one that ended leaves a stop', { want: 'stop' }, look('exited'), { want: 'stop' }],
  )
  const runs = (id: string, ready: boolean) => ({ kind: 'runs', id, ready, at: 9 }) as const
  const before = { ...running, wasReady: true, logWarning, logReadAt: 1 }
  table(
    ['at the same container keeps what is known of it', before, runs('c1', false), before],
    ['at another one begins anew', before, runs('c2', false), { watched: 'c2', wasReady: false, logReadAt: 9 }],
    ['at a ready one ends its warning', before, runs('c1', true), { wasReady: true, logWarning: undefined }],
    ['at a ready one notes since when it is', before, runs('c1', true), { readySince: 9, readyNow: true }],
    [
      'at one that is still ready keeps since when',
      { ...before, readyNow: true, readySince: 3 },
      runs('c1', true),
      { readySince: 3 },
    ],
    [
      'at one that is ready no more keeps since when it was',
      { ...before, readyNow: true, readySince: 3 },
      runs('c1', false),
      { readySince: 3, readyNow: false },
    ],
    ['at a ready one that was there before us', {}, runs('c1', true), { watched: 'c1', wasReady: true }],
    [
      'at the log finds an exhausted heap',
      running,
      { kind: 'log-read', warning: logWarning, at: 9 },
      { logWarning, logReadAt: 9 },
    ],
    [
      'at a log in which it scrolled away keeps the warning',
      { ...running, logWarning },
      { kind: 'log-read', warning: undefined, at: 9 },
      { logWarning },
    ],
    [
      'at what is as wanted ends what was held',
      { held },
      { kind: 'as-wanted', outdated: undefined },
      { held: undefined },
    ],
  )
})

describe('an end', () => {
  const deaths = { times: [9], inRow: 1 }
  const gone = { watched: undefined, wasReady: false, logWarning: undefined }
  const before = { ...running, wasReady: true, logWarning }
  table(
    [
      'that is a death waits for its restart',
      before,
      {
        kind: 'died',
        verdict: { kind: 'restart', restartInMilliseconds: 1500, reason: { message: 'it died' } },
        deaths,
        at: 9,
      },
      { ...gone, deaths, restartAt: 1509, stage: 'creating', reason: { message: 'it died; it starts again in 2 s' } },
    ],
    [
      'that is for the user to solve is held',
      before,
      { kind: 'died', verdict: { kind: 'refused', reason: held }, deaths, at: 9 },
      { ...gone, deaths, held, stage: 'failed', reason: held, restartAt: 0 },
    ],
    ['that was meant is none', before, { kind: 'stopped' }, gone],
    ['is what a restart asks for first', { want: 'restart' }, { kind: 'stopped' }, { want: 'run' }],
    ['is all that a stop asks for', { want: 'stop' }, { kind: 'stopped' }, { want: 'stop' }],
  )

  test('is a death of the container that ran by our will alone, and only once', () => {
    const state = { ...initialState, ...running }
    expect(hasDied(state, { ...container, status: 'exited' })).toBe(true)
    expect(hasDied(state, container)).toBe(false)
    expect(hasDied(state, { ...container, status: 'exited', id: 'c2' })).toBe(false)
    expect(hasDied({ ...state, want: 'stop' }, { ...container, status: 'exited' })).toBe(false)
    expect(hasDied(transition(state, { kind: 'stopped' }), { ...container, status: 'exited' })).toBe(false)
  })

  test('is seen by the process of a container of ours that ran', () => {
    const state = { ...initialState, ...running }
    expect(vanished(state, () => false)).toBe(true)
    expect(vanished(state, () => true)).toBe(false)
    expect(vanished({ ...state, seen: seen('exited') }, () => false)).toBe(false)
    expect(vanished({ ...state, seen: seen('running', { labels: {} }) }, () => false)).toBe(false)
    expect(vanished(initialState, () => false)).toBe(false)
  })
})

describe('a step', () => {
  const pull = { kind: 'step', stage: 'pulling', doing: 'pulling', beside: true } as const
  const create = { kind: 'step', stage: 'creating', doing: 'creating', beside: false } as const
  const reason = { message: 'the container runs' }
  const faults = [fault('DISK_FULL')]
  table(
    ['is what is told, and faults of before are not', { faults }, create, { stage: 'creating', faults: [] }],
    ['beside what runs is not told', { ...running, reason }, pull, { stage: 'up', reason }],
    ['is told where nothing runs', {}, pull, { stage: 'pulling', reason: { message: 'pulling' } }],
    ['of a stop is part of stopping', { want: 'end' }, create, { stage: 'stopping', reason: { message: 'creating' } }],
    ['that started a container', {}, { kind: 'started', id: 'c1', at: 3 }, { watched: 'c1', logReadAt: 3 }],
    ['that lost port 53', {}, { kind: 'name-server-blocked' }, { nameServerBlocked: true }],
    ['was the last of a start', { faults }, { kind: 'reached' }, { stage: 'up', reason, faults: [] }],
    ['was the last of a stop', { want: 'stop', watched: 'c1' }, { kind: 'reached' }, { stage: 'stopped', faults: [] }],
  )
})

describe('a pull', () => {
  const first = { id: 1, fault: fault('REGISTRY_UNREACHABLE') }
  const second = { id: 2, progress: { image: 'x', current: 1, total: 2, layers: [], attempt: 1 } }
  table(
    ['is one of those under way', { pulls: [first] }, { kind: 'pulling', pull: second }, { pulls: [first, second] }],
    ['tells more of itself', { pulls: [first, second] }, { kind: 'pulling', pull: first }, { pulls: [second, first] }],
    ['ends alone', { pulls: [first, second] }, { kind: 'pull-ended', id: 2 }, { pulls: [first] }],
    ['that succeeded is the pull of the next start', { held }, { kind: 'pulled' }, { pulled: true, held }],
    [
      'solves what a pull can',
      { held: fault('IMAGE_NOT_FOUND') },
      { kind: 'pulled' },
      { pulled: true, held: undefined },
    ],
  )
})

describe('a pass that failed', () => {
  const [one, two] = [fault('ENGINE_REQUEST'), fault('DISK_FULL')]
  const faults = [one, two]
  table(
    ['has failed', {}, { kind: 'failed', faults, away: false }, { stage: 'failed', reason: one, faults: [two] }],
    ['leaves what runs', running, { kind: 'failed', faults, away: false }, { stage: 'up', faults, held: undefined }],
    [
      'for want of the engine says nothing of the controller',
      { engineStale: false },
      { kind: 'failed', faults, away: true },
      { stage: 'creating', reason: one, faults: [two], engineStale: true },
    ],
    [
      'for want of the engine is a warning while it runs',
      { ...running, engineStale: false },
      { kind: 'failed', faults, away: true },
      { stage: 'up', reason: one, faults, engineStale: true },
    ],
    [
      'for ever is held',
      {},
      { kind: 'failed', faults: [fault('IMAGE_NOT_FOUND')], away: false },
      { held: fault('IMAGE_NOT_FOUND') },
    ],
  )
})

describe('what is told', () => {
  const told = (change: Partial<ControllerState>) => snapshotOf({ ...initialState, ...change }, configSchema.parse({}))

  test.each<[string, Partial<ControllerState>, string]>([
    ['a container that runs', running, 'starting'],
    ['one that has been ready', { ...running, wasReady: true }, 'running'],
    ['one that is being made', { wasReady: true }, 'creating'],
  ])('of %s: %s', (_, change, lifecycle) => {
    expect(told(change).lifecycle).toBe(lifecycle)
  })

  test('of a paused container is that it is, while it is up', () => {
    expect(told({ ...running, seen: seen('paused') }).warnings).toMatchObject([
      { message: expect.stringContaining('paused') },
    ])
    expect(told({ seen: seen('paused'), stage: 'stopping' }).warnings).toEqual([])
  })

  test('of a pull that waits for its next try is why, while there is nothing but it', () => {
    const pulls = [{ id: 1, fault: fault('REGISTRY_UNREACHABLE') }, { id: 2 }]
    expect(told({ stage: 'pulling', pulls }).reason.code).toBe('REGISTRY_UNREACHABLE')
    expect(told({ ...running, pulls }).reason.code).toBeUndefined()
  })

  test('of a container that is not ours is nothing', () => {
    expect(told({ seen: seen('running', { labels: {} }) }).facts.containerId).toBeUndefined()
  })

  test('has to be looked at often until it is ready, stopped or failed', () => {
    const settled = (change: Partial<ControllerState>) => isSettled({ ...initialState, ...change })
    expect([settled({}), settled(running)]).toEqual([false, false])
    expect([settled({ wasReady: true }), settled({ stage: 'stopped' }), settled({ stage: 'failed' })]).toEqual([
      true,
      true,
      true,
    ])
  })
})
