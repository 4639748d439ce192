import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import type { KeptDefaults } from '../../config/kept-defaults.ts'
import { writeFileAtomic } from '../../core/atomic-file.ts'
import { ApplianceError, type Fault, messageOf, systemCode } from '../../core/errors.ts'
import { Serial } from '../../core/serial.ts'

/** Raised when an older version of this program could misread the record. */
const recordVersion = 1

const schema = z.looseObject({
  version: z.literal(recordVersion),
  controller: z
    .looseObject({ omadacId: z.string(), place: z.string(), mark: z.string(), fileSystem: z.string().optional() })
    .optional(),
  confirmedPlace: z.string().optional(),
  container: z.looseObject({ id: z.string(), version: z.string() }).optional(),
  defaults: z
    .looseObject({
      image: z.string(),
      subnet: z.string(),
      controllerAddress: z.string(),
      because: z.string().optional(),
    })
    .optional(),
  deviceAddress: z.object({ omadacId: z.string(), address: z.string() }).optional(),
  killed: z.object({ message: z.string(), remedy: z.string() }).optional(),
})

/** What the appliance remembers outside of the controller's data. */
export interface ApplianceRecord {
  readonly version: typeof recordVersion
  /**
   * The controller that was ready last: its id, its data's volume or directory, the random id of our file in there, and the
   * kind and source of the file system that they were on.
   */
  readonly controller?:
    | {
        readonly omadacId: string
        readonly place: string
        readonly mark: string
        readonly fileSystem?: string | undefined
      }
    | undefined
  /** The user said that the controller is to begin with what is in this place. Until one was ready there. */
  readonly confirmedPlace?: string | undefined
  /** The container that was made last, and the version of this program that made it. */
  readonly container?: { readonly id: string; readonly version: string } | undefined
  /** What this program chose itself before it made the first container. */
  readonly defaults?: KeptDefaults | undefined
  /** The owner said that this controller tells its devices this address. */
  readonly deviceAddress?: { readonly omadacId: string; readonly address: string } | undefined
  /** A stop that may have damaged the database, until the user has acknowledged it. */
  readonly killed?: { readonly message: string; readonly remedy: string } | undefined
}

export const emptyRecord: ApplianceRecord = { version: recordVersion }

/** The record's file. What a newer version has put into it besides stays as it is. */
export class RecordFile {
  readonly #path: string
  readonly #turns = new Serial()

  constructor(path: string) {
    this.#path = path
  }

  /** The record, empty where there is none yet. @throws ApplianceError RECORD_UNUSABLE */
  async read(): Promise<ApplianceRecord> {
    try {
      return schema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return emptyRecord
      const why = error instanceof z.ZodError ? 'it is of another version, or damaged' : messageOf(error)
      throw this.#unusable('read', why)
    }
  }

  /** One write after the other. @throws ApplianceError RECORD_UNUSABLE */
  async write(record: ApplianceRecord): Promise<void> {
    try {
      await this.#turns.run(() => writeFileAtomic(this.#path, `${JSON.stringify(record, null, 2)}\n`))
    } catch (error) {
      throw this.#unusable('written', messageOf(error))
    }
  }

  #unusable(tried: 'read' | 'written', why: string): ApplianceError {
    const fault: Fault = {
      code: 'RECORD_UNUSABLE',
      message: `${this.#path}, where omada-host remembers which controller it had, cannot be ${tried}: ${why}`,
      remedy:
        tried === 'read'
          ? `move it away if its controller is the right one (mv ${this.#path} ${this.#path}.old), then: systemctl restart omada-host`
          : `see why its directory cannot be written to: ls -ld ${this.#path.replace(/\/[^/]*$/, '')}; systemctl status omada-host`,
    }
    return new ApplianceError(fault)
  }
}
