import type { Fault } from '../core/errors.ts'

const otherDatabase = 'use a v5 image (controller.image …:5.15) or a MongoDB on another machine (mongo.uri)'

/**
 * What mongod's exit codes mean. Sources: mongodb.com/docs/manual/reference/exit-codes; threads #92, #357, #741 of the image's
 * repository (100); google/tcmalloc#292 and docker-library/mongo#762 (139). Above 128 a signal ended it: 128 and its number.
 */
const meanings: ReadonlyMap<number, Fault> = new Map([
  [
    14,
    {
      code: 'DATABASE_DAMAGED',
      message:
        'it cannot go on with its files: they are damaged, as after a stop that cut it off, or belong to another user',
      remedy:
        'see which file it names: omada-host logs; files of another user are given back by chown to the user that the others belong to; damaged ones come back by a backup of the data',
    },
  ],
  [
    62,
    {
      code: 'CONTROLLER_OLD_DATABASE',
      message: 'its files were written by a version of MongoDB that the one in this image cannot go on from',
      remedy: 'go back to the image that you had (controller.image), or upgrade the database first',
    },
  ],
  [
    100,
    {
      code: 'DATABASE_FILES',
      message: 'it cannot use its files: another process has them, or their file system cannot carry them',
      remedy:
        'look at the place of the data: omada-host doctor; FAT, NTFS and network file systems cannot carry a database: give controller.dataVolume a volume, or a directory on ext4, xfs or btrfs',
    },
  ],
  [
    132,
    {
      code: 'CPU_UNSUPPORTED',
      message: 'the processor does not know an instruction that MongoDB 8 uses',
      remedy: `${otherDatabase}; in a virtual machine, pass the CPU through (type host)`,
    },
  ],
  [
    134,
    {
      code: 'DATABASE_ABORTED',
      message:
        'it gave up, most often for lack of memory, or on a kernel with 39-bit addresses (seen on a Raspberry Pi 5)',
      remedy: `give the machine more memory, or the controller less (controller.memory); on such a kernel ${otherDatabase}`,
    },
  ],
  [
    139,
    {
      code: 'DATABASE_CRASHED',
      message: 'it crashed, as MongoDB 8 does on Linux 6.19 and newer',
      remedy: `boot a kernel before 6.19, or on a PC from 7.0.14 on (this one: uname -r); or ${otherDatabase}`,
    },
  ],
])

/** The controller's words for it, and for a start that came to its end. */
const ended = /Fail to start mongo DB server with exit code (\d{1,3})(?!\d)/
const started = /Omada Controller started/

/**
 * Why the embedded database ended, by the last exit code in a controller's log that no complete start has followed;
 * undefined where there is none. Nothing of the log but the number is in what it says.
 * @param lines oldest first, of the container since its last start
 */
export function findDatabaseDeath(lines: readonly string[]): Fault | undefined {
  const line = lines.findLast((text) => ended.test(text) || started.test(text)) ?? ''
  const exitCode = Number(ended.exec(line)?.[1] ?? 0)
  if (exitCode === 0) return undefined
  const { code, message, remedy } = meanings.get(exitCode) ?? {
    code: 'DATABASE_ENDED' as const,
    message: 'why is not known',
    remedy: 'see what it says: omada-host logs; then: omada-host restart',
  }
  return { code, message: `the controller's database ended with exit code ${exitCode}: ${message}`, remedy }
}
