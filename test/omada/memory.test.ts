import { describe, expect, test } from 'vitest'
import { leastMemory, type MemoryConfig, planMemory } from '../../src/omada/memory.ts'

const plan = (machineMegabytes: number, options: Partial<Parameters<typeof planMemory>[0]> = {}) =>
  planMemory({ memory: 'auto', machineMegabytes, externalDatabase: false, limitPossible: true, ...options })

describe('auto', () => {
  test.each([
    [1792, { heapMegabytes: 512, databaseCacheMegabytes: 256, limitMegabytes: 1280 }],
    [1960, { heapMegabytes: 512, databaseCacheMegabytes: 256, limitMegabytes: 1440 }],
    [3884, { heapMegabytes: 1536, databaseCacheMegabytes: 832, limitMegabytes: 3360 }],
    [7900, { heapMegabytes: 3744, databaseCacheMegabytes: 2048, limitMegabytes: 7360 }],
    [24_105, { heapMegabytes: 4096, databaseCacheMegabytes: 4096, limitMegabytes: 17_408 }],
  ])('on %i MB', (machine, expected) => {
    expect(plan(machine)).toEqual(expected)
  })

  test('never takes more than the machine less 512 MB, and leaves java and mongod 512 MB beside heap and cache', () => {
    for (let machine = leastMemory(false); machine < 70_000; machine += 37) {
      const { heapMegabytes = 0, databaseCacheMegabytes = 0, limitMegabytes = 0 } = plan(machine)
      expect(limitMegabytes).toBeLessThanOrEqual(machine - 512)
      expect(heapMegabytes + databaseCacheMegabytes + 512).toBeLessThanOrEqual(limitMegabytes)
    }
  })

  test('does not change with a few megabytes more or less', () => {
    expect(plan(3880)).toEqual(plan(3884))
  })

  test('sets no limit where the engine can keep none', () => {
    expect(plan(4000, { limitPossible: false })).not.toHaveProperty('limitMegabytes')
  })

  test('gives an external database no cache and the heap its share', () => {
    expect(plan(2048, { externalDatabase: true })).toEqual({ heapMegabytes: 864, limitMegabytes: 1536 })
  })

  test('on a machine that is too small is MEMORY_LOW, with the choices', () => {
    expect(() => plan(1791)).toThrow(
      expect.objectContaining({ code: 'MEMORY_LOW', message: expect.stringContaining('1791 MB') }),
    )
    expect(plan(1536, { externalDatabase: true })).toMatchObject({ heapMegabytes: 512 })
  })
})

test('off leaves everything to the image', () => {
  expect(plan(100, { memory: 'off' })).toEqual({})
})

describe('by hand', () => {
  const memory: MemoryConfig = { heapMegabytes: 700, databaseCacheMegabytes: 300 }
  test('is taken as it is, the limit only when named', () => {
    expect(plan(1500, { memory })).toEqual(memory)
    expect(plan(1500, { memory: { ...memory, limitMegabytes: 1400 } })).toEqual({ ...memory, limitMegabytes: 1400 })
  })

  test('is MEMORY_LOW when it is more than there is', () => {
    expect(() => plan(999, { memory })).toThrow(expect.objectContaining({ code: 'MEMORY_LOW' }))
  })
})
