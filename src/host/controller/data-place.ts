import type { Fault } from '../../core/errors.ts'
import type { LockHolder } from '../../linux/file-locks.ts'
import type { Mount } from '../../linux/mounts.ts'
import type { ApplianceRecord } from './record.ts'

/** What is in the volume or directory of the data. */
export interface PlaceFacts {
  /** Its name or path, as configured. */
  readonly place: string
  /** Whether a database is in it. */
  readonly database: boolean
  /** What our own file in it says; absent where there is none. */
  readonly mark?: string | undefined
  /** A directory near it that holds the data of a controller. */
  readonly elsewhere?: string | undefined
}

/** The codes of what `omada-host acknowledge` answers with: begin with what is in this place. */
export const placeCodes = ['DATA_CHANGED', 'DATA_ELSEWHERE'] as const

/**
 * Why no controller may begin with what is in this place: it is not what was there, or it is empty beside what looks like
 * the right one. Pure. An empty place of a first start is fine.
 */
export function judgePlace(record: ApplianceRecord, facts: PlaceFacts): Fault | undefined {
  const { place, database, mark, elsewhere } = facts
  const { controller: known, confirmedPlace } = record
  if (confirmedPlace === place) return undefined
  if (known !== undefined && mark !== known.mark) return changed(known, facts)
  if (database || elsewhere === undefined) return undefined
  return {
    code: 'DATA_ELSEWHERE',
    message: `${place} (controller.dataVolume) has no database, but ${elsewhere} has one: the controller would begin anew, without its sites and devices`,
    remedy: `set controller.dataVolume: ${elsewhere}; or if a new controller is to begin in ${place}: omada-host acknowledge DATA_ELSEWHERE`,
  }
}

function changed(known: NonNullable<ApplianceRecord['controller']>, { place, database, elsewhere }: PlaceFacts): Fault {
  const holds = database ? 'the database of another one' : 'no database'
  const found = elsewhere === undefined ? '' : `; ${elsewhere} has one`
  const meant = 'or if a controller is to begin with what is there now: omada-host acknowledge DATA_CHANGED'
  const isPath = place.startsWith('/')
  if (known.place === place) {
    return {
      code: 'DATA_CHANGED',
      message: `${place} has ${holds}, but the controller ${known.omadacId} was there${isPath ? ': its disk is not mounted, or another one is' : ''}${found}`,
      remedy: `${isPath ? `mount its disk (what is mounted there: findmnt --target ${place}), and it goes on by itself` : 'choose the engine that has its volume (engine.socket), or restore its data'}; ${meant}`,
    }
  }
  return {
    code: 'DATA_CHANGED',
    message: `controller.dataVolume is ${place} now, which has ${holds}, but the controller ${known.omadacId} was in ${known.place}${found}`,
    remedy: `set controller.dataVolume: ${known.place}, or move its data with all that is in it; ${meant}`,
  }
}

/** Why the appliance cannot use a directory that the configuration names and that is not there. */
export function missingDirectory(key: string, path: string, record: ApplianceRecord): Fault {
  const was = record.controller?.place === path
  return {
    code: 'DIRECTORY_MISSING',
    message: `${path} (${key}) does not exist${was ? `, but the controller ${record.controller?.omadacId} was there: is its disk not mounted?` : ''}`,
    remedy: was
      ? 'mount its disk (mount -a; lsblk -f shows what there is), and it goes on by itself'
      : `correct ${key}, or make it: mkdir -p ${path}`,
  }
}

/** Why a database cannot be opened that another process has open: two of them would destroy it. */
export function inUse(place: string, { pid, process, container, unit }: LockHolder): Fault {
  const where = container !== undefined ? ` in the container ${container}` : unit === undefined ? '' : ` of ${unit}`
  const stop =
    container !== undefined
      ? `stop that container (podman stop ${container}, or docker stop ${container}), and keep it from starting again`
      : unit?.endsWith('.service') === true
        ? `systemctl disable --now ${unit}`
        : 'end that process in order, by what started it'
  return {
    code: 'DATA_IN_USE',
    message: `the database in ${place} is open already: ${process} (process ${pid})${where} has it`,
    remedy: `${stop}; the controller then starts by itself`,
  }
}

/** What MongoDB cannot keep its files on (threads #92 and #741 of the image's repository). */
const unfit = new Set(['vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'fuseblk', 'cifs', 'smb3'])

/** Why the file system of the data cannot carry the database, by its kind alone. Pure. */
export function judgeFileSystem(place: string, mount: Mount | undefined): Fault | undefined {
  if (mount === undefined || (!mount.readOnly && !unfit.has(mount.type))) return undefined
  return unfitFileSystem(place, mount, mount.readOnly ? 'it is mounted read-only' : 'MongoDB cannot work on it')
}

/** The same. `why` goes on after the name of the file system. */
export function unfitFileSystem(place: string, mount: Mount | undefined, why: string): Fault {
  const name = mount === undefined ? '' : ` is on ${mount.type} (${mount.source}, mounted at ${mount.point}), which`
  return {
    code: 'DATA_FILE_SYSTEM',
    message: `${place} (controller.dataVolume)${name} cannot carry the controller's database: ${why}`,
    remedy:
      mount?.readOnly === true
        ? `see why it is read-only (findmnt ${mount.point}; dmesg), and make it writable: mount -o remount,rw ${mount.point}`
        : 'give controller.dataVolume a volume, or a directory on a file system of Linux such as ext4, xfs or btrfs',
  }
}
