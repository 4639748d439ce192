import { expect, test } from 'vitest'
import { Backoff } from '../../src/core/backoff.ts'

const delays = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next())

test('doubles up to its maximum', () => {
  expect(delays(new Backoff({ initialMilliseconds: 100, maxMilliseconds: 500, random: () => 0 }), 5)).toEqual([
    100, 200, 400, 500, 500,
  ])
})

test('starts anew after a reset', () => {
  const backoff = new Backoff({ initialMilliseconds: 100, maxMilliseconds: 500, random: () => 0 })
  delays(backoff, 4)
  backoff.reset()
  expect(backoff.next()).toBe(100)
})

test('takes a fifth off at most', () => {
  expect(delays(new Backoff({ initialMilliseconds: 100, maxMilliseconds: 400, random: () => 1 }), 3)).toEqual([
    80, 160, 320,
  ])
  for (const delay of delays(new Backoff({ initialMilliseconds: 1000, maxMilliseconds: 1000 }), 200)) {
    expect(delay).toBeGreaterThanOrEqual(800)
    expect(delay).toBeLessThanOrEqual(1000)
  }
})
