import { expect, test } from 'vitest'
import { LruMap } from '../../src/core/lru-map.ts'

function filled(onEvict?: (key: string, value: number) => void): LruMap<string, number> {
  const map = new LruMap<string, number>({ max: 3, ...(onEvict === undefined ? {} : { onEvict }) })
  for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value)
  return map
}

const keys = (map: LruMap<string, number>) => [...map.entries()].map(([key]) => key)

test('evicts what was used longest ago', () => {
  const evicted: [string, number][] = []
  const map = filled((...entry) => evicted.push(entry))
  map.set('d', 3)
  expect(evicted).toEqual([['a', 0]])
  expect(keys(map)).toEqual(['b', 'c', 'd'])
  expect(map.size).toBe(3)
})

test('a look by get is a use, by peek it is not', () => {
  const map = filled()
  expect(map.get('a')).toBe(0)
  expect(map.peek('b')).toBe(1)
  expect(map.oldest()).toEqual(['b', 1])
  expect(keys(map)).toEqual(['b', 'c', 'a'])
})

test('setting what is there evicts nobody and makes it the newest', () => {
  const evicted: string[] = []
  const map = filled((key) => evicted.push(key))
  map.set('a', 9)
  expect(evicted).toEqual([])
  expect([...map.values()]).toEqual([1, 2, 9])
})

test('what is deleted or cleared is not evicted', () => {
  const evicted: string[] = []
  const map = filled((key) => evicted.push(key))
  expect(map.delete('b')).toBe(true)
  expect(map.delete('b')).toBe(false)
  map.clear()
  expect(map.oldest()).toBeUndefined()
  expect({ evicted, size: map.size }).toEqual({ evicted: [], size: 0 })
})
