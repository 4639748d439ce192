import type { Fault } from '../core/errors.ts'
import { majorVersion } from './image-contract.ts'

/** Where the image says which controller is in it (entrypoint-unified.sh, version_check). */
export const imageVersionFile = '/opt/tplink/EAPController/IMAGE_OMADA_VER.txt'

/** Files of the data, from their root. */
export const dataFiles = {
  /** The version that ran last; written by the image's entrypoint, and by no other install. */
  lastRan: 'LAST_RAN_OMADA_VER.txt',
  /** Says in its second line which WiredTiger wrote the database. */
  storageEngine: 'db/WiredTiger.turtle',
  /** Holds mongod's process id while it runs; empty after a clean end. */
  lock: 'db/mongod.lock',
  storageEngineLock: 'db/WiredTiger.lock',
} as const

/** Any of these in `db/` is a database: WiredTiger's, and that of a controller before 4.x (MMAPv1). */
export const databaseFiles = ['WiredTiger.turtle', 'WiredTiger', 'storage.bson', 'tpeap.0', 'omada.0'] as const

/** What stands beside `db/` in the data of a controller, and of nothing else that keeps a MongoDB. */
export const besideDatabase = [dataFiles.lastRan, 'keystore', 'autobackup', 'html', 'pdf'] as const

/** Ours, in the root of the data: a random id, by which a place is known again whatever it is called or mounted by. */
export const markFile = '.omada-host-id'

/** The id in our file; undefined where the text is none. */
export function parseMark(text: string): string | undefined {
  return /^([0-9a-f]{32})\n?$/.exec(text)?.[1]
}

/** `11.3.0` of WiredTiger.turtle's text; undefined when it does not tell. */
export function storageEngineVersion(text: string): string | undefined {
  return /\bWiredTiger (\d+\.\d+\.\d+)/.exec(text)?.[1]
}

/** A controller's version such as `6.2.0.17`, alone in its file; undefined for anything else. */
export function controllerVersion(text: string): string | undefined {
  return /^\s*(\d+(?:\.\d+){1,5})\s*$/.exec(text)?.[1]
}

/** Negative when `a` is the older of two versions, positive when it is the newer one, as `sort -V` has it. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at += 1) {
    const difference = (left?.[at] ?? -1) - (right?.[at] ?? -1)
    if (difference !== 0) return difference
  }
  return 0
}

/** What the data and the image say of their versions; absent is what they do not tell. */
export interface DataVersions {
  /** Of the controller that ran last. */
  readonly lastRan?: string | undefined
  /** Of the WiredTiger that wrote the database. */
  readonly storageEngine?: string | undefined
  /** Of the controller in the image. */
  readonly image?: string | undefined
}

/** WiredTiger of MongoDB 3.6 (v5 images) and 8.0 (v6 images). Source: mbentley/docker-omada-controller, mongodb_upgrade. */
const engineOfV5 = /^3\.1\./
const engineOfV6 = '11.3.0'

const upgradePage = 'https://github.com/mbentley/docker-omada-controller/tree/master/mongodb_upgrade'

/**
 * Why the controller of this image must not start on these data, before it writes to them. The image's entrypoint looks
 * only where LAST_RAN_OMADA_VER.txt is there, and then at less. Pure.
 * @param imageChosen whether the user named the image: nobody's data are brought to another minor version unasked
 * @param place the volume or directory of the data, for people
 */
export function judgeVersions(
  { lastRan, storageEngine, image }: DataVersions,
  {
    reference,
    imageChosen,
    place,
    externalDatabase,
  }: { reference: string; imageChosen: boolean; place: string; externalDatabase: boolean },
): Fault | undefined {
  if (lastRan !== undefined && image !== undefined && compareVersions(image, lastRan) < 0) {
    return {
      code: 'CONTROLLER_DOWNGRADE',
      message: `the data in ${place} were last used by controller ${lastRan}, and ${reference} has the older ${image}`,
      remedy: `set controller.image to version ${lastRan} or newer, or restore the data of the older one together with its image`,
    }
  }
  if (!imageChosen && lastRan !== undefined && image !== undefined) {
    const [before, now] = [lastRan, image].map(minorVersion)
    // An older major version has more to be said of.
    if (before !== undefined && now !== undefined && majorOf(before) === majorOf(now) && before !== now) {
      return unaskedUpgrade({ lastRan, image, reference, place })
    }
  }
  const major = image === undefined ? majorVersion(reference) : Number(image.split('.')[0])
  if (externalDatabase || storageEngine === undefined || major === undefined) return undefined
  const ofV5 = engineOfV5.test(storageEngine)
  if (major <= 5 && !ofV5) {
    return {
      code: 'CONTROLLER_DOWNGRADE',
      message: `the database in ${place} was written by a newer MongoDB (WiredTiger ${storageEngine}) than the one of ${reference}`,
      remedy: 'set controller.image to a v6 tag, such as the one that you had',
    }
  }
  if (major < 6 || compareVersions(storageEngine, engineOfV6) >= 0) return undefined
  return {
    code: 'CONTROLLER_OLD_DATABASE',
    message: `the database in ${place} was written by ${ofV5 ? 'the MongoDB 3.6 of a v5 controller' : 'a MongoDB that no image of the controller has'} (WiredTiger ${storageEngine}), and ${reference} has MongoDB 8; nothing was changed`,
    remedy: ofV5
      ? `set controller.image back to the v5 tag that you had, or upgrade the database first: ${upgradePage}`
      : 'give controller.dataVolume an empty place, and restore a backup file (.cfg) of the controller in its first-run page',
  }
}

function unaskedUpgrade(of: { lastRan: string; image: string; reference: string; place: string }): Fault {
  const tagged = (version: string) => of.reference.replace(/:[^:/]*$/, `:${minorVersion(version)}`)
  return {
    code: 'CONTROLLER_UPGRADE',
    message: `the data in ${of.place} were last used by controller ${of.lastRan}, and ${of.reference}, which is the default, has the newer ${of.image}: it would change them for good`,
    remedy: `set controller.image: ${tagged(of.lastRan)} to go on with what you had; or take a copy of the data first, and set controller.image: ${tagged(of.image)}`,
  }
}

function minorVersion(version: string): string | undefined {
  return /^\d+\.\d+/.exec(version)?.[0]
}

function majorOf(version: string): string | undefined {
  return version.split('.')[0]
}
