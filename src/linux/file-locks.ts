import { readFile, stat } from 'node:fs/promises'
import { plainText } from '../core/text.ts'
import { mountOf } from './mounts.ts'
import { programOf, unitOf } from './port-holders.ts'

/** A process that holds a lock on a file. */
export interface LockHolder {
  readonly pid: number
  readonly process: string
  /** The container that it is in, by its id, or the unit of systemd's. */
  readonly container?: string
  readonly unit?: string
}

interface Lock {
  readonly pid: number
  readonly device: string
  readonly inode: number
}

/** The locks that are held, of the text of /proc/locks (proc(5)): device in hexadecimal, inode in decimal; waiters left out. */
export function parseLocks(text: string): readonly Lock[] {
  const lines = text.matchAll(/^\d+: +(?:POSIX|FLOCK|OFDLCK) +\S+ +\S+ +(-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /gm)
  return Array.from(lines, ([, pid, device = '', inode]) => ({ pid: Number(pid), device, inode: Number(inode) }))
}

/** The device, as /proc/locks has it, of the mount that holds `path`: on btrfs and overlayfs stat(2) tells another one. */
function mountDevice(mountinfo: string, path: string): string | undefined {
  const [major, minor] = mountOf(mountinfo, path)?.device.split(':').map(Number) ?? []
  return major === undefined || minor === undefined ? undefined : hexadecimal(major, minor)
}

function hexadecimal(major: number, minor: number): string {
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':')
}

/**
 * Who holds a lock on one of these files; undefined where nobody does, or where this process cannot see the files. Needs
 * no privilege.
 * @param proc where the kernel tells it
 */
export async function findLockHolder(paths: readonly string[], proc = '/proc'): Promise<LockHolder | undefined> {
  const read = async (name: string) => await readFile(`${proc}/${name}`, 'utf8').catch(() => '')
  const locks = parseLocks(await read('locks'))
  if (locks.length === 0) return undefined
  const mountinfo = await read('self/mountinfo')
  for (const path of paths) {
    const file = await stat(path).catch(() => undefined)
    if (file === undefined) continue
    const devices = [mountDevice(mountinfo, path), hexadecimal(majorOf(file.dev), minorOf(file.dev))]
    const held = locks.find(({ inode, device }) => inode === file.ino && devices.includes(device))
    if (held !== undefined) return await describe(held.pid, await read(`${held.pid}/cgroup`))
  }
  return undefined
}

/** The bits of a device's number (makedev(3)). */
function majorOf(device: number): number {
  return (device >>> 8) & 0xfff
}
function minorOf(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00)
}

async function describe(pid: number, cgroups: string): Promise<LockHolder> {
  const process = pid > 0 ? await programOf(`${pid}`) : 'a process that cannot be told'
  const cgroup = /^(?:0:|\d+:name=systemd):(\/.*)$/m.exec(cgroups)?.[1] ?? ''
  const container = /[/-]([0-9a-f]{64})(?:\.scope)?(?:\/|$)/.exec(cgroup)?.[1]
  if (container !== undefined) return { pid, process, container: container.slice(0, 12) }
  const unit = plainText(unitOf(cgroup), 128)
  return /\.(?:service|scope)$/.test(unit) ? { pid, process, unit } : { pid, process }
}
