import { existsSync } from 'node:fs'
import { readFile, readlink, statfs } from 'node:fs/promises'
import { timezone } from '../../config/values.ts'
import { findLockHolder } from '../../linux/file-locks.ts'
import { listensIn } from '../../linux/listening-port.ts'
import { whyNoLocks } from '../../linux/lock-trial.ts'
import { type Mount, mountOf } from '../../linux/mounts.ts'
import { type MachineNames, readMachineNames } from '../../linux/name-servers.ts'
import { parseRoutes, type Route } from '../../network/routes.ts'
import { readContainerWay } from '../../network/way.ts'
import { type CgroupLayout, readCgroupLayout } from '../engine/runtime.ts'
import { directoryThere, lookAtDirectory } from './directories.ts'

/** What is known of this machine. Megabytes are 2^20 bytes. */
export interface MachineFacts {
  /** Go's name of the processor architecture, as image manifests have it: `amd64`, `arm64`. */
  readonly architecture: string
  /** The kernel's release, such as `6.12.41+deb13-amd64`; empty where it is not told. */
  readonly kernel: string
  /** Flags that every processor has, as /proc/cpuinfo names them. */
  readonly cpuFlags: ReadonlySet<string>
  readonly memoryMegabytes: number
  readonly timezone: string
  readonly cgroups: CgroupLayout
  /** The kernel's IPv4 routes now. */
  routes(): Promise<readonly Route[]>
  readonly containerWay: typeof readContainerWay
  /** Free space of the file system that holds `path`, in megabytes; undefined when it cannot be told. */
  freeMegabytes(path: string): Promise<number | undefined>
  /** How it resolves names now. */
  names(): Promise<MachineNames>
  /** Whether a process of this id runs. */
  processRuns(pid: number): boolean
  readonly listensIn: typeof listensIn
  /** The mount that holds a path, as this process sees it. */
  mountOf(path: string): Promise<Mount | undefined>
  readonly whyNoLocks: typeof whyNoLocks
  readonly directoryThere: typeof directoryThere
  readonly lookAtDirectory: typeof lookAtDirectory
  readonly findLockHolder: (paths: readonly string[]) => ReturnType<typeof findLockHolder>
}

/** Where Linux tells these facts. */
const machinePaths = {
  kernel: '/proc/sys/kernel/osrelease',
  cpuinfo: '/proc/cpuinfo',
  meminfo: '/proc/meminfo',
  route: '/proc/net/route',
  timezone: '/etc/timezone',
  localtime: '/etc/localtime',
  cgroups: '/sys/fs/cgroup',
}

/** Reads the facts that do not change while the machine runs, and how to read those that do. */
export async function readMachineFacts(
  paths = machinePaths,
  architecture: string = process.arch,
): Promise<MachineFacts> {
  return {
    architecture: architecture === 'x64' ? 'amd64' : architecture,
    kernel: (await readFile(paths.kernel, 'utf8').catch(() => '')).trim(),
    cpuFlags: parseCpuFlags(await readFile(paths.cpuinfo, 'utf8')),
    memoryMegabytes: parseMemTotal(await readFile(paths.meminfo, 'utf8')),
    timezone: await readTimezone(paths),
    cgroups: await readCgroupLayout(paths.cgroups),
    // A kernel without IPv4 routes has no such file.
    routes: async () => parseRoutes(await readFile(paths.route, 'utf8').catch(() => '')),
    containerWay: readContainerWay,
    freeMegabytes: async (path) => {
      const stats = await statfs(path).catch(() => undefined)
      return stats === undefined ? undefined : Math.floor((stats.bavail * stats.bsize) / 1024 / 1024)
    },
    names: () => readMachineNames(),
    processRuns: (pid) => existsSync(`/proc/${pid}`),
    listensIn,
    mountOf: async (path) => mountOf(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''), path),
    whyNoLocks,
    directoryThere,
    lookAtDirectory,
    findLockHolder,
  }
}

/** `flags` on x86, `Features` on Arm: the flags that all processors share. Empty when the text tells none. */
export function parseCpuFlags(cpuinfo: string): ReadonlySet<string> {
  const lines = cpuinfo.matchAll(/^(?:flags|Features)\s*:(.*)$/gm)
  const [first, ...others] = Array.from(lines, ([, flags = '']) => new Set(flags.match(/\S+/g)))
  return new Set([...(first ?? [])].filter((flag) => others.every((flags) => flags.has(flag))))
}

/** MemTotal in megabytes; 0 when the text does not tell it. */
export function parseMemTotal(meminfo: string): number {
  return Math.floor(Number(/^MemTotal:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024)
}

/** Where /etc/localtime points to (localtime(5)), else Debian's /etc/timezone, else UTC. */
async function readTimezone(paths: typeof machinePaths): Promise<string> {
  const link = await readlink(paths.localtime).catch(() => '')
  const linked = /\/zoneinfo\/(.+)$/.exec(link)?.[1] ?? ''
  const named = await readFile(paths.timezone, 'utf8').catch(() => '')
  return [linked, named.trim()].find((zone) => timezone.safeParse(zone).success) ?? 'Etc/UTC'
}
