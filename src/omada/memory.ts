import { ApplianceError } from '../core/errors.ts'

/** What `controller.memory` of the configuration can be. Megabytes are 2^20 bytes. */
export type MemoryConfig =
  | 'auto'
  | 'off'
  | {
      readonly heapMegabytes: number
      readonly databaseCacheMegabytes: number
      readonly limitMegabytes?: number | undefined
    }

/** How the container's memory is shared out. What is absent is left to the image or to the engine. */
export interface MemoryPlan {
  readonly heapMegabytes?: number
  /** WiredTiger's cache; absent with an external database. */
  readonly databaseCacheMegabytes?: number
  /** The container's limit. */
  readonly limitMegabytes?: number
}

/** What is left to the system and to this program. */
const systemMegabytes = 512
/** What java takes beside its heap and mongod beside its cache: 300 to 500 MB seen by the image's README. */
const overheadMegabytes = 512
/** The image's README calls 512 MB of heap small; WiredTiger takes 256 MB at least. */
const heapRange = { least: 512, most: 4096 } as const
const cacheRange = { least: 256, most: 4096 } as const

/** The least RAM on which the controller can be sized, in megabytes. */
export function leastMemory(externalDatabase: boolean): number {
  return systemMegabytes + overheadMegabytes + heapRange.least + (externalDatabase ? 0 : cacheRange.least)
}

/**
 * Shares out the machine's RAM: heap and cache take 55 % and 30 % of what system and overhead leave, so that heap, cache,
 * overhead and system together never exceed it. In steps of 32 MB: a kernel update that moves the RAM by a little must
 * not ask for a new container.
 * @throws ApplianceError MEMORY_LOW
 */
export function planMemory(options: {
  memory: MemoryConfig
  machineMegabytes: number
  externalDatabase: boolean
  limitPossible: boolean
}): MemoryPlan {
  const { memory, externalDatabase } = options
  const machine = Math.floor(options.machineMegabytes)
  if (memory === 'off') return {}
  if (memory !== 'auto') return explicit(memory, machine, externalDatabase)
  if (machine < leastMemory(externalDatabase)) {
    throw new ApplianceError({
      code: 'MEMORY_LOW',
      message: `this machine has ${machine} MB of memory, but the controller and the system need ${leastMemory(externalDatabase)} MB`,
      remedy:
        'add memory, set controller.memory by hand, or controller.memory: off at the risk of the controller being killed',
    })
  }
  const budget = stepDown(machine - systemMegabytes)
  const free = budget - overheadMegabytes
  const share = (part: number, { least, most }: { least: number; most: number }) =>
    stepDown(Math.min(most, Math.max(least, free * part)))
  const heap = share(externalDatabase ? 0.85 : 0.55, heapRange)
  const cache = externalDatabase ? 0 : share(0.3, cacheRange)
  // A big machine's limit leaves as much again for the page cache, which counts but can be reclaimed.
  const limit = Math.min(budget, 2 * (heap + cache + overheadMegabytes))
  return {
    heapMegabytes: heap,
    ...(externalDatabase ? {} : { databaseCacheMegabytes: cache }),
    ...(options.limitPossible ? { limitMegabytes: limit } : {}),
  }
}

function explicit(memory: Exclude<MemoryConfig, string>, machine: number, externalDatabase: boolean): MemoryPlan {
  const cache = externalDatabase ? 0 : memory.databaseCacheMegabytes
  const sum = memory.heapMegabytes + cache
  if (sum > machine) {
    throw new ApplianceError({
      code: 'MEMORY_LOW',
      message: `controller.memory asks for ${sum} MB of heap and database cache, but this machine has ${machine} MB`,
      remedy: 'lower controller.memory.heapMegabytes and databaseCacheMegabytes, or set controller.memory: auto',
    })
  }
  return {
    heapMegabytes: memory.heapMegabytes,
    ...(externalDatabase ? {} : { databaseCacheMegabytes: memory.databaseCacheMegabytes }),
    ...(memory.limitMegabytes === undefined ? {} : { limitMegabytes: memory.limitMegabytes }),
  }
}

function stepDown(megabytes: number): number {
  return Math.floor(megabytes / 32) * 32
}
