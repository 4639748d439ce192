import { bytes } from '../../core/format.ts'
import { diskFault, levelOf, readFileSystems } from '../../host/disks/disk-space.ts'
import type { Place } from '../../host/disks/storage-places.ts'
import type { Check, Finding } from '../finding.ts'

/** Whether there is room where the appliance and its controller write. */
export function diskCheck(places: readonly Place[]): Check {
  const check = 'room'
  const run = async (): Promise<readonly Finding[]> => {
    const fileSystems = await readFileSystems(places)
    const scarce = fileSystems.flatMap((fileSystem): Finding[] => {
      const level = levelOf(fileSystem)
      if (level === 'ok') return []
      const { code, message, remedy } = diskFault(fileSystem, level)
      return [{ check, status: level === 'full' ? 'fail' : 'warn', message: `[${code}] ${message}`, remedy }]
    })
    if (scarce.length > 0) return scarce
    const free = fileSystems.map(
      ({ places: [{ path }], freeMegabytes }) => `${bytes(freeMegabytes * 2 ** 20)} for ${path}`,
    )
    const message = free.length === 0 ? 'nothing was written on this machine yet' : `free are ${free.join(', ')}`
    return [{ check, status: 'ok', message }]
  }
  return { name: check, run }
}
