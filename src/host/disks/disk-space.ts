import { stat, statfs } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { periodic } from '../../core/periodic.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { Place } from './storage-places.ts'

/** `low`: nearly full, `full`: what is kept there may already fail to write. */
export type Level = 'ok' | 'low' | 'full'

/** One file system as it is now, and what is kept on it. */
export interface FileSystem {
  /** The kernel's number for it. */
  readonly device: number
  readonly places: readonly [Place, ...Place[]]
  readonly freeMegabytes: number
  readonly totalMegabytes: number
}

/**
 * A level is left upwards only with so much more space than it is entered with: whoever hovers at the bound is told once.
 */
const easing = 1.25

/** The file systems that hold these places, each once; a place that is not there (yet) is left out. */
export async function readFileSystems(places: readonly Place[]): Promise<readonly FileSystem[]> {
  const byDevice = new Map<number, FileSystem>()
  for (const place of places) {
    try {
      const { dev } = await stat(place.path)
      const { bavail, bsize, blocks } = await statfs(place.path)
      const megabytes = (count: number) => Math.floor((count * bsize) / 1024 / 1024)
      const others = byDevice.get(dev)?.places
      byDevice.set(dev, {
        device: dev,
        places: others === undefined ? [place] : [...others, place],
        freeMegabytes: megabytes(bavail),
        totalMegabytes: megabytes(blocks),
      })
    } catch {
      // Not made yet, or on a disk that was taken away: others tell that better.
    }
  }
  return [...byDevice.values()]
}

/** Pure. `before` is what it was at the last look. */
export function levelOf({ places, freeMegabytes }: FileSystem, before: Level = 'ok'): Level {
  const below = (bound: (place: Place) => number, entered: boolean) =>
    places.some((place) => freeMegabytes < bound(place) * (entered ? easing : 1))
  if (below(({ fullMegabytes }) => fullMegabytes, before === 'full')) return 'full'
  return below(({ lowMegabytes }) => lowMegabytes, before !== 'ok') ? 'low' : 'ok'
}

/** What a user is to know of a file system at this level. */
export function diskFault(fileSystem: FileSystem, level: 'low' | 'full'): Fault {
  const { places, freeMegabytes, totalMegabytes } = fileSystem
  const [{ path }] = places
  const holds = places.map((place) => (place.path === path ? place.holds : `${place.holds} in ${place.path}`))
  const full = level === 'full'
  return {
    code: full ? 'DISK_FULL' : 'DISK_LOW',
    message: `the file system of ${path} is ${full ? 'full' : 'nearly full'}: ${freeMegabytes} of ${totalMegabytes} MB are free; it holds ${holds.join(', ')}`,
    remedy: `free space there (du -xh -d 2 ${path} | sort -h shows what takes it; unused images: podman image prune, or docker image prune) or enlarge it; nothing needs to be restarted`,
  }
}

/** How often the free space is looked at, in milliseconds. */
const lookMilliseconds = 5000

/**
 * Follows the space left on the file systems that the appliance depends on, and warns when it becomes scarce. `look` looks
 * once. A file system that is not there any more is forgotten; it has not got room again.
 */
export function diskSpace(options: {
  logger: Logger
  clock: Clock
  warnings: WarningSource
  places: () => readonly Place[]
  /** readFileSystems unless something else is put in its place. */
  read?: typeof readFileSystems
}): Loop & { look(): Promise<void> } {
  const { warnings, places, read = readFileSystems } = options
  /** As of the last look, by device. */
  let before: ReadonlyMap<number, Level> = new Map()
  const look = async () => {
    const levels = new Map<number, Level>()
    for (const fileSystem of await read(places())) {
      const { device } = fileSystem
      const level = levelOf(fileSystem, before.get(device))
      levels.set(device, level)
      const role = fileSystem.places.some(({ data }) => data) ? 'data' : 'other'
      if (level !== 'ok') warnings.raise(`${device}`, diskFault(fileSystem, level), { role })
      else warnings.clear(`${device}`, `the file system of ${fileSystem.places[0].path} has room again`)
    }
    for (const device of before.keys()) if (!levels.has(device)) warnings.forget(`${device}`)
    before = levels
  }
  return { ...periodic({ ...options, name: 'disk-space', intervalMilliseconds: lookMilliseconds, work: look }), look }
}
