import { expect, test } from 'vitest'
import { bidFarewell } from '../../src/host/farewell.ts'
import { silent } from '../ipc/fixtures.ts'
import { fakeNotifier } from '../systemd/notifier.ts'

async function farewell(
  decision: 'stop' | 'leave',
  stopController: (signal: AbortSignal) => Promise<boolean> = async () => true,
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
      return await stopController(signal)
    },
    removeFence: async () => void calls.push('remove the fence'),
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
  const { calls, parting } = await farewell('stop', async (signal) => {
    signals.push(signal)
    return true
  })
  await parting
  expect(calls).toEqual(['stopping', 'asked', 'extend 175000', 'stop', 'remove the fence'])
  expect(signals[0]?.aborted).toBe(false)
})

test('a controller that could not be stopped is told', async () => {
  const { parting } = await farewell('stop', () => Promise.reject(new Error('the engine is gone')))
  await expect(parting).rejects.toThrow('the engine is gone')
})

test('the fence stays where the controller may run on', async () => {
  const { calls, parting } = await farewell('stop', async () => false)
  await parting
  expect(calls.at(-1)).toBe('stop')
})
