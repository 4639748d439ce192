import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Longest time that ss(8) may take, in milliseconds, and most that it may say, in bytes. */
const deadline = 5000
const maxOutput = 4 * 1024 * 1024

/** The version 2 hierarchy, by itself or beside the older one (cgroups(7)). */
const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']

/**
 * The cgroup that opened each listening socket, by the socket's inode. Other than who has a socket open, the kernel tells
 * this without any privilege, to ss(8) of iproute2. Empty where it cannot be found out.
 */
export async function socketCgroups(signal?: AbortSignal): Promise<Map<string, string>> {
  const options = { timeout: deadline, maxBuffer: maxOutput, ...(signal === undefined ? {} : { signal }) }
  const output = await run('ss', ['-Htulne', '--cgroup'], options).then(
    ({ stdout }) => stdout,
    () => '',
  )
  signal?.throwIfAborted()
  return parseSocketCgroups(output)
}

/** From what `ss -Htulne --cgroup` prints. */
export function parseSocketCgroups(text: string): Map<string, string> {
  const cgroups = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, inode, cgroup] = /\bino:(\d+)\b.*\bcgroup:(\/\S+)/.exec(line) ?? []
    // What runs outside of every unit, such as a container's view of itself, says nothing.
    if (inode !== undefined && cgroup !== undefined && cgroup !== '/') cgroups.set(inode, cgroup)
  }
  return cgroups
}

/** The processes of a cgroup. Empty when it is gone. */
export async function processesOf(cgroup: string): Promise<readonly string[]> {
  for (const hierarchy of hierarchies) {
    const text = await readFile(`${hierarchy}${cgroup}/cgroup.procs`, 'utf8').catch(() => undefined)
    if (text !== undefined) return text.split('\n').filter((pid) => pid !== '')
  }
  return []
}

/** `nginx.service` of `/system.slice/nginx.service`. */
export function unitOf(cgroup: string): string {
  return basename(cgroup)
}
