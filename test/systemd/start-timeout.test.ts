import { afterEach, expect, test } from 'vitest'
import { type StartProgress, startTimeout } from '../../src/systemd/start-timeout.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { fakeNotifier } from './notifier.ts'

const forever = new AbortController().signal
const fault = { code: 'REGISTRY_UNREACHABLE', message: 'the registry does not answer', remedy: 'wait' } as const
let stop: (() => Promise<void>) | undefined
afterEach(async () => stop?.())

/** A start with 900 s of patience, on a clock that the test moves by seconds. */
async function scene() {
  const clock = new ManualClock()
  const { notifier, calls } = fakeNotifier()
  let progress: StartProgress = { outcome: 'under-way', step: 1, fault }
  let died: Error | undefined
  const patience = { seconds: 900 }
  const watch = startTimeout({
    clock,
    notifier,
    progress: () => progress,
    patienceMilliseconds: () => patience.seconds * 1000,
  })
  void watch.died.then((error) => {
    died = error
  })
  stop = () => watch.stop()
  await watch.start(forever)
  return {
    calls,
    patience,
    died: () => died,
    set: (change: Partial<StartProgress>) => {
      progress = { ...progress, ...change }
    },
    pass: async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

test('while a try is repeated, more time is asked for, but not for ever', async () => {
  const { calls, died, pass } = await scene()
  await pass(890)
  expect(died()).toBeUndefined()
  expect(calls.length).toBeGreaterThan(80)
  expect(new Set(calls)).toEqual(new Set(['extend 60000']))
  await pass(15)
  expect(died()).toMatchObject(fault)
  expect(calls.at(-1)).toBe('status Failed: the registry does not answer; fix: wait')
  // It is over: no more time is asked for.
  const { length } = calls
  await pass(60)
  expect(calls).toHaveLength(length)
})

test('each step forward begins the time anew', async () => {
  const { set, died, pass } = await scene()
  for (const step of [2, 3, 4]) {
    await pass(800)
    set({ step })
  }
  await pass(890)
  expect(died()).toBeUndefined()
  await pass(15)
  expect(died()).toBeDefined()
})

test('a start that failed is given up at once', async () => {
  const { set, died, pass } = await scene()
  set({ outcome: 'failed', fault: { code: 'IMAGE_NOT_FOUND', message: 'no such tag', remedy: 'another' } })
  await pass(2)
  expect(died()).toMatchObject({ code: 'IMAGE_NOT_FOUND', message: 'no such tag' })
})

test('once ready, a failure is not the service’s end', async () => {
  const { set, calls, died, pass } = await scene()
  set({ outcome: 'ready' })
  await pass(2)
  const { length } = calls
  set({ outcome: 'failed' })
  await pass(2000)
  expect(died()).toBeUndefined()
  expect(calls).toHaveLength(length)
})

test('a controller that the user stopped is waited for without end', async () => {
  const { set, died, pass } = await scene()
  set({ outcome: 'held' })
  await pass(2000)
  expect(died()).toBeUndefined()
  set({ outcome: 'under-way' })
  await pass(905)
  expect(died()).toBeDefined()
})

test('patience is asked for anew each time: a reload may change it', async () => {
  const { patience, died, pass } = await scene()
  await pass(100)
  patience.seconds = 60
  await pass(2)
  expect(died()).toBeDefined()
})
