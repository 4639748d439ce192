import { expect, test } from 'vitest'
import { Alarm } from '../../src/core/alarm.ts'
import { systemClock } from '../../src/core/clock.ts'

const never = new AbortController().signal
/** Longer than any test may take. */
const long = 600_000

test('sleeps to the end of its time', async () => {
  expect(await new Alarm({ clock: systemClock }).sleep(1, never)).toBe(false)
})

test('a sleep without an end is as long as a timer can be, not one that overflows', async () => {
  const asked: number[] = []
  const sleep = async (milliseconds: number) => void asked.push(milliseconds)
  expect(await new Alarm({ clock: { ...systemClock, sleep } }).sleep(Number.POSITIVE_INFINITY, never)).toBe(false)
  expect(asked).toEqual([2 ** 31 - 1])
})

test('a ring wakes all who sleep, and is then over', async () => {
  const alarm = new Alarm({ clock: systemClock })
  const sleepers = [alarm.sleep(long, never), alarm.sleep(Number.POSITIVE_INFINITY, never)]
  alarm.ring()
  alarm.ring()
  expect(await Promise.all(sleepers)).toEqual([true, true])
  expect(await alarm.sleep(1, never)).toBe(false)
})

test('a ring that nobody sleeps through ends the next sleep at once, and only that', async () => {
  const alarm = new Alarm({ clock: systemClock })
  alarm.ring()
  alarm.ring()
  expect(await alarm.sleep(long, never)).toBe(true)
  expect(await alarm.sleep(1, never)).toBe(false)
})

test('a ring that is cleared wakes nobody', async () => {
  const alarm = new Alarm({ clock: systemClock })
  alarm.ring()
  alarm.clear()
  expect(await alarm.sleep(1, never)).toBe(false)
})

test('a signal ends the sleep with its reason, and takes no ring from others', async () => {
  const alarm = new Alarm({ clock: systemClock })
  const ending = new AbortController()
  const sleep = alarm.sleep(long, ending.signal)
  ending.abort(new Error('over'))
  await expect(sleep).rejects.toThrow('over')
  alarm.ring()
  await expect(alarm.sleep(long, ending.signal)).rejects.toThrow('over')
  expect(await alarm.sleep(long, never)).toBe(true)
})

test('leaves no timer and no listener behind', async () => {
  const { signal } = new AbortController()
  let timers = 0
  const clock = {
    ...systemClock,
    sleep: async (milliseconds: number, end?: AbortSignal) => {
      timers += 1
      await systemClock.sleep(milliseconds, end).finally(() => {
        timers -= 1
      })
    },
  }
  const alarm = new Alarm({ clock })
  for (let turn = 0; turn < 5; turn += 1) {
    const sleep = alarm.sleep(long, signal)
    expect(timers).toBe(1)
    alarm.ring()
    await sleep
    expect(timers).toBe(0)
  }
})
