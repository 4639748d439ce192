import { expect, test } from 'vitest'
import { LruMap } from '../../src/core/lru-map.ts'

function filled(onEvict?: (key: string, value: number) => void): LruMap<string, number> {
  const map = new LruMap<string, number>({ max: 3, ...(onEvict === undefined ? {} : { onEvict }) })
  for (const [value, key] of ['a', 'b', 'c'].entries()) map.set(key, value)
  return map
}

const keys = (map: LruMap<string, number>) => [...map.keys()]

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

test('an entry may be deleted while all are gone through', () => {
  const map = filled()
  const seen: string[] = []
  for (const [key] of map) {
    seen.push(key)
    if (key !== 'b') map.delete(key)
  }
  expect(seen).toEqual(['a', 'b', 'c'])
  expect([...map]).toEqual([['b', 1]])
  map.set('d', 3)
  expect([...map]).toEqual([
    ['b', 1],
    ['d', 3],
  ])
})

test('after any calls it is as a list that is searched would be', () => {
  const map = new LruMap<number, number>({ max: 8 })
  let list: [number, number][] = []
  let seed = 1
  for (let call = 0; call < 5000; call += 1) {
    seed = (seed * 48_271) % 2_147_483_647
    const key = seed % 12
    const known = list.find(([at]) => at === key)
    const rest = list.filter(([at]) => at !== key)
    const kind = (seed >> 8) % 3
    if (kind === 0) {
      map.set(key, call)
      list = [...(known === undefined ? rest.slice(-7) : rest), [key, call]]
    } else if (kind === 1) {
      expect(map.get(key)).toBe(known?.[1])
      if (known !== undefined) list = [...rest, known]
    } else {
      expect(map.delete(key)).toBe(known !== undefined)
      list = rest
    }
    expect([...map]).toEqual(list)
    expect([map.size, map.oldest(), map.has(key), map.peek(key)]).toEqual([
      ...[list.length, list[0], list.some(([at]) => at === key), list.find(([at]) => at === key)?.[1]],
    ])
  }
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
