import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createLogger } from '../../src/core/logger.ts'

/** The command that runs a probe child from source. */
export const probeCommand: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('health-probe.ts', import.meta.url)),
]

export const silent = createLogger({ level: 'silent', format: 'json', write: () => {} })

/** True while there is a process of this id that is not a zombie. */
export async function runs(pid: number): Promise<boolean> {
  try {
    // proc_pid_stat(5): the state follows the command's name, which is in parentheses.
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
  } catch {
    return false
  }
}

/** Resident memory in MB (10^6 bytes): now, or VmHWM, the most that it ever was. */
export async function residentMegabytes(pid: number, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  const kibibytes = Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  return (kibibytes * 1024) / 1e6
}
