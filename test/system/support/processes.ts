import { readFileSync } from 'node:fs'
import { command } from '../../support/command.ts'
import type { Namespace } from '../../support/namespace.ts'

/**
 * The command lines of the processes in a namespace, with their ids, sorted. Not Podman's name server: there is one for
 * all storages of a machine, in the namespace that was first, as long as one of them has a container.
 */
export async function processesIn(namespace: Namespace): Promise<string[]> {
  return (await pidsIn(namespace)).flatMap((pid) => {
    const line = readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim()
    return line === undefined || /^\S*aardvark-dns /.test(line) ? [] : [`${pid} ${line}`]
  })
}

/** The ids of the processes whose network namespace this is. */
export async function pidsIn(namespace: Namespace): Promise<number[]> {
  const list = await command(['ip', 'netns', 'pids', namespace.name ?? ''])
  return list
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
    .sort((a, b) => a - b)
}

/** A process of ours and its descendants that run our program, each with the command that it was started with. */
export function processTree(pid: number): { pid: number; role: string }[] {
  const role = readProc(pid, 'cmdline')
    ?.split('\0')
    .find((argument) => ['run', 'edge', 'probe'].includes(argument))
  const children = readProc(pid, `task/${pid}/children`)?.trim().split(' ').filter(Boolean) ?? []
  const below = children.flatMap((child) => processTree(Number(child)))
  return role === undefined ? below : [{ pid, role }, ...below]
}

/**
 * What a process has used: processor time of all its threads in seconds, and resident memory in megabytes (2^20 bytes).
 * @param proc where the proc(5) is mounted that knows the process by this id
 */
export function usageOf(pid: number, proc = '/proc'): { cpuSeconds: number; residentMegabytes: number } {
  // proc(5): utime and stime, fields 14 and 15, count in hundredths of a second on every Linux that Node runs on.
  const fields =
    readProc(pid, 'stat', proc)
      ?.replace(/^.*\) /s, '')
      .split(' ') ?? []
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status', proc) ?? '')?.[1]
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    residentMegabytes: Number(resident) / 1024,
  }
}

function readProc(pid: number, file: string, proc = '/proc'): string | undefined {
  try {
    return readFileSync(`${proc}/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
