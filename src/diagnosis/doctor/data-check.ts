import type { Config } from '../../config/schema.ts'
import { judgeDirectories } from '../../host/controller/data-obstacles.ts'
import { directoryThere, lookAtDirectory } from '../../host/controller/directories.ts'
import { emptyRecord, type RecordFile } from '../../host/controller/record.ts'
import { type Check, failed, ok } from '../finding.ts'

/**
 * Whether the directories that the configuration names are there, and hold the controller that was in them.
 * @param options.data where the data are on this machine, as far as it is known: without it they are not judged
 */
export function dataCheck(options: {
  config: Config
  data: string | undefined
  recordFile: Pick<RecordFile, 'read'>
}): Check {
  const { config, data, recordFile } = options
  return {
    name: 'data',
    run: async () => {
      const unseen = async () => ({ there: 'unknown' as const })
      const machine = { directoryThere, lookAtDirectory: data === undefined ? unseen : lookAtDirectory }
      // The record is root's alone: without it the directories are looked at all the same.
      const record = process.getuid?.() === 0 ? await recordFile.read() : emptyRecord
      const faults = await judgeDirectories({ config, machine, data: data ?? config.controller.dataVolume, record })
      if (faults.length > 0) return faults.map(failed)
      return [ok(`nothing speaks against ${config.controller.dataVolume} as the place of the data`)]
    },
  }
}
