import { expect, test } from 'vitest'
import { bidFarewell } from '../../src/host/farewell.ts'
import { silent } from '../ipc/fixtures.ts'
import { fakeNotifier } from '../systemd/notifier.ts'

async function farewell(
  decision: 'stop' | 'leave',
  stopController: (signal: AbortSignal) => Promise<void> = async () => {},
) {
  const { notifier, calls } = fakeNotifier()
  const parting = bidFarewell({
    stopGraceSeconds: 120,
    componentsMilliseconds: 25_000,
    logger: silent,
    notifier,
    controllerOnStop: async () => {
      calls.push('asked')
      return decision
    },
    stopController: async (signal) => {
      calls.push('stop')
      await stopController(signal)
    },
  })
  return { calls, parting }
}

test('a controller that is to run on is left alone; systemd is told of the end first', async () => {
  const { calls, parting } = await farewell('leave')
  await parting
  expect(calls).toEqual(['stopping', 'asked'])
})

test('a controller that is to stop has its grace and a margin, and systemd gives that time and more', async () => {
  const signals: AbortSignal[] = []
  const { calls, parting } = await farewell('stop', async (signal) => void signals.push(signal))
  await parting
  expect(calls).toEqual(['stopping', 'asked', 'extend 175000', 'stop'])
  expect(signals[0]?.aborted).toBe(false)
})

test('a controller that could not be stopped is told', async () => {
  const { parting } = await farewell('stop', () => Promise.reject(new Error('the engine is gone')))
  await expect(parting).rejects.toThrow('the engine is gone')
})
