import { expect, test } from 'vitest'
import { ago, bytes, count, dateTime, duration, lasting, percent, plural } from '../../src/core/format.ts'

test.for([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1 kB'],
  [1549, '1.55 kB'],
  [123_456_789, '123 MB'],
  [999_999, '1 MB'],
  [5e12, '5 TB'],
  [Number.POSITIVE_INFINITY, '?'],
] as const)('%d bytes are %s', ([value, text]) => {
  expect(bytes(value)).toBe(text)
})

test.for([
  [-5000, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000 * 3 + 60_000 * 12, '3 h 12 min'],
  [86_400_000 * 40 + 3_600_000, '40 d 1 h'],
] as const)('%d ms are %s', ([value, text]) => {
  expect(duration(value)).toBe(text)
})

test('counts and plurals', () => {
  expect(count(12345)).toBe('12,345')
  expect([plural(1, 'device'), plural(0, 'device'), plural(2, 'has', 'have')]).toEqual([
    '1 device',
    '0 devices',
    '2 have',
  ])
})

test('a share is whole percent, and never more than all', () => {
  expect(percent({ current: 0, total: 0 })).toBeUndefined()
  expect(percent({ current: 1, total: 3 })).toBe(33)
  expect(percent({ current: 999, total: 1000 })).toBe(99)
  expect(percent({ current: 5, total: 4 })).toBe(100)
})

test('ages survive clocks that jump and times that are none', () => {
  const at = '2026-03-01T10:00:00.000Z'
  expect(ago(Date.parse(at) + 12_000, at)).toBe('12 s ago')
  expect(ago(Date.parse(at) - 86_400_000, at)).toBe('just now')
  expect(lasting(Date.parse(at) + 7_500_000, at)).toBe('2 h 5 min')
  expect(lasting(Date.parse(at) - 86_400_000, at)).toBe('0 s')
  expect([ago(0, ''), lasting(0, ''), dateTime('<b>')]).toEqual(['unknown', 'an unknown time', 'unknown'])
})

test('a time is told as the wall clock shows it', () => {
  expect(dateTime('2026-03-01T10:00:07.123Z')).toMatch(/^20\d\d-\d\d-\d\d \d\d:\d\d:07$/)
})
