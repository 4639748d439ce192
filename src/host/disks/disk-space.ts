import { stat, statfs } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { Emitter } from '../../core/emitter.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { HistoryEntry } from '../../ipc/host-state.ts'
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

/** Follows the space left on the file systems that the appliance depends on, and says when it becomes scarce. */
export class DiskSpace {
  readonly transitions = new Emitter<HistoryEntry>()
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #places: () => readonly Place[]
  readonly #read: typeof readFileSystems
  #levels = new Map<number, Level>()
  #warnings: readonly Fault[] = []
  #dataFull: Fault | undefined

  constructor(options: {
    logger: Logger
    clock: Clock
    places: () => readonly Place[]
    /** readFileSystems unless something else is put in its place. */
    read?: typeof readFileSystems
  }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#places = options.places
    this.#read = options.read ?? readFileSystems
  }

  /** As of the last look. */
  get warnings(): readonly Fault[] {
    return this.#warnings
  }

  /** Why the controller cannot write its data, when that is so. */
  get dataFull(): Fault | undefined {
    return this.#dataFull
  }

  async look(): Promise<void> {
    const levels = new Map<number, Level>()
    const warnings: Fault[] = []
    let dataFull: Fault | undefined
    for (const fileSystem of await this.#read(this.#places())) {
      const { device } = fileSystem
      const before = this.#levels.get(device) ?? 'ok'
      const level = levelOf(fileSystem, before)
      levels.set(device, level)
      const fault = level === 'ok' ? undefined : diskFault(fileSystem, level)
      if (fault !== undefined) warnings.push(fault)
      if (level === 'full' && fileSystem.places.some(({ data }) => data)) dataFull = fault
      if (level !== before) this.#tell(fileSystem.places[0].path, before, level, fault)
    }
    this.#levels = levels
    this.#warnings = warnings
    this.#dataFull = dataFull
  }

  #tell(path: string, from: Level, to: Level, fault: Fault | undefined): void {
    const message = fault?.message ?? `the file system of ${path} has room again`
    if (fault === undefined) this.#logger.info(message)
    else this.#logger[to === 'full' ? 'error' : 'warn']({ code: fault.code, remedy: fault.remedy }, message)
    this.transitions.emit({ at: new Date(this.#clock.wall()).toISOString(), subject: 'disk', from, to, message })
  }
}
