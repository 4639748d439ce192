import { expect, test } from 'vitest'
import { Duplicates, rateLimit } from '../../../src/edge/discovery/admission.ts'
import { FakeClock } from './support/fake-clock.ts'

test('a rate limit under a hundred thousand addresses forgets the oldest and goes on', () => {
  const admits = rateLimit({ clock: new FakeClock(), perSecond: 1 })
  const spend = (address: string) => [admits(address), admits(address), admits(address)]
  expect(spend('192.0.2.1')).toEqual([true, true, false])
  for (let host = 0; host < 100_000; host++) admits(`10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`)
  expect(spend('192.0.2.1')).toEqual([true, true, false])
})

test('the memory for duplicates is bounded', () => {
  const duplicates = new Duplicates({ clock: new FakeClock(), windowMilliseconds: 60_000 })
  duplicates.remember('first')
  for (let key = 0; key < 100_000; key++) duplicates.remember(`${key}`)
  expect(duplicates.has('first')).toBe(false)
  expect(duplicates.has('99999')).toBe(true)
})

test('what is too old to have a duplicate is not remembered', () => {
  const clock = new FakeClock()
  const duplicates = new Duplicates({ clock, windowMilliseconds: 1000 })
  for (let second = 0; second < 60; second++) {
    for (let key = 0; key < 100; key++) duplicates.remember(`${second} ${key}`)
    clock.advance(500)
  }
  expect(duplicates.size).toBe(200)
  expect(duplicates.has('59 0')).toBe(true)
})
