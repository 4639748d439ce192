import type { HostConfig } from '../../config/schema.ts'
import type { Fault } from '../../core/errors.ts'
import { judgePlace, missingDirectory } from './data-place.ts'
import type { DirectoryFacts } from './directories.ts'
import type { MachineFacts } from './machine.ts'
import type { ApplianceRecord } from './record.ts'

/** A volume that is not made yet is empty. */
const noVolume: DirectoryFacts = { there: true, database: false }

/** What is wrong with the directories that the configuration names, as far as this process can see them. */
export async function judgeDirectories(options: {
  config: HostConfig
  machine: Pick<MachineFacts, 'directoryThere' | 'lookAtDirectory'>
  /** Where the data are on this machine; undefined for a volume that is not made yet. */
  data: string | undefined
  record: ApplianceRecord
}): Promise<readonly Fault[]> {
  const { config, machine, data, record } = options
  const { controller, mongo } = config
  const { dataVolume: place } = controller
  const faults: (Fault | undefined)[] = []
  for (const key of ['dataVolume', 'logsVolume'] as const) {
    const path = controller[key]
    if (path?.startsWith('/') !== true || (await machine.directoryThere(path)) !== false) continue
    faults.push(missingDirectory(`controller.${key}`, path, record))
  }
  if (mongo.uri === undefined) {
    const facts = data === undefined ? noVolume : await machine.lookAtDirectory(data)
    // Beside a volume are other volumes, with names that say what they are.
    const near = place.startsWith('/') ? {} : { elsewhere: undefined }
    if (facts.there === true) faults.push(judgePlace(record, { ...facts, ...near, place }))
  }
  return faults.filter((fault) => fault !== undefined)
}
