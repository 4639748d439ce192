import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { PortKey } from '../config/appliance-ports.ts'
import { ProgramError, runProgram } from '../core/run-program.ts'
import { plainText } from '../core/text.ts'
import { isUnspecified, parseSocketTable, socketStates } from './socket-table.ts'

/** A process of this machine that listens on a port. */
export interface PortHolder extends PortKey {
  readonly pid: number
  readonly process: string
}

/** Inodes of the sockets that hold one of `ports`, from the text of /proc/net/{tcp,tcp6,udp,udp6}. */
function parseListeners(text: string, protocol: 'tcp' | 'udp', ports: ReadonlySet<number>): Map<string, number> {
  const holding = parseSocketTable(text).filter(({ localPort, state, remoteAddress, remotePort, inode }) => {
    if (inode === '0' || !ports.has(localPort)) return false
    // A connected UDP socket has a peer; only those without one hold the port.
    return protocol === 'tcp' ? state === socketStates.listening : isUnspecified(remoteAddress) && remotePort === 0
  })
  return new Map(holding.map(({ inode, localPort }) => [inode, localPort]))
}

/**
 * The processes that listen on these ports in this network namespace. Who has a socket open is seen of one's own
 * processes, and of all with CAP_SYS_PTRACE; of the others it is told which unit opened it. Costs one walk over /proc, so
 * it is for a slow rhythm or a failure.
 */
export async function findPortHolders(ports: readonly PortKey[], signal?: AbortSignal): Promise<PortHolder[]> {
  const sockets = new Map<string, PortKey>()
  for (const protocol of ['tcp', 'udp'] as const) {
    const wanted = new Set(ports.filter((key) => key.protocol === protocol).map((key) => key.port))
    for (const file of [protocol, `${protocol}6`]) {
      const text = await readFile(`/proc/net/${file}`, 'utf8').catch(() => '')
      for (const [inode, port] of parseListeners(text, protocol, wanted)) sockets.set(inode, { protocol, port })
    }
  }
  if (sockets.size === 0) return []
  const holders: PortHolder[] = []
  const found = new Set<string>()
  for (const entry of await readdir('/proc')) {
    signal?.throwIfAborted()
    if (!/^\d+$/.test(entry)) continue
    const held = await socketsOf(entry, sockets)
    if (held.length === 0) continue
    const process = await programOf(entry)
    for (const [inode, key] of held) {
      found.add(inode)
      holders.push({ ...key, pid: Number(entry), process })
    }
  }
  const unknown = [...sockets].filter(([inode]) => !found.has(inode))
  if (unknown.length > 0) holders.push(...(await holdersByUnit(unknown, signal)))
  // IPv4 and IPv6 are two sockets of one holder.
  return [...new Map(holders.map((holder) => [`${holder.protocol}/${holder.port} ${holder.pid}`, holder])).values()]
}

/** Of a program's name, in characters. */
const maxName = 64

/** Units of few processes are named by these, larger ones by the unit. */
const fewProcesses = 3

async function holdersByUnit(
  sockets: readonly (readonly [inode: string, key: PortKey])[],
  signal: AbortSignal | undefined,
): Promise<PortHolder[]> {
  const cgroups = await socketCgroups(signal)
  const holders: PortHolder[] = []
  for (const [inode, key] of sockets) {
    const cgroup = cgroups.get(inode)
    if (cgroup === undefined) continue
    const processes = await processesOf(cgroup)
    const [first] = processes
    if (first === undefined) continue
    if (processes.length > fewProcesses) {
      holders.push({ ...key, pid: Number(first), process: `something of ${unitOf(cgroup)}` })
      continue
    }
    for (const pid of processes) holders.push({ ...key, pid: Number(pid), process: await programOf(pid) })
  }
  return holders
}

/** The name of the program's file, which anybody may choose; a process may call itself otherwise, Node's `MainThread`. */
export async function programOf(pid: string): Promise<string> {
  const file = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
  const name = file === undefined ? await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?') : basename(file)
  return plainText(name.replace(/ \(deleted\)$/, ''), maxName)
}

async function socketsOf(pid: string, sockets: ReadonlyMap<string, PortKey>): Promise<[inode: string, key: PortKey][]> {
  const directory = `/proc/${pid}/fd`
  const descriptors = await readdir(directory).catch(() => [])
  const held = new Map<string, PortKey>()
  for (const descriptor of descriptors) {
    const target = await readlink(`${directory}/${descriptor}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? ''
    const key = sockets.get(inode)
    if (key !== undefined) held.set(inode, key)
  }
  return [...held]
}

/** Longest time that ss(8) may take, and most that it may say. */
const ssMilliseconds = 5000
const ssMaxBytes = 4 * 1024 * 1024

/** The version 2 hierarchy, by itself or beside the older one (cgroups(7)). */
const hierarchies = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']

/**
 * The cgroup that opened each listening socket, by the socket's inode. Other than who has a socket open, the kernel tells
 * this without any privilege, to ss(8) of iproute2. Empty where it cannot be found out.
 */
async function socketCgroups(signal: AbortSignal | undefined): Promise<Map<string, string>> {
  try {
    const options = { deadlineMilliseconds: ssMilliseconds, maxBytes: ssMaxBytes, signal }
    const output = await runProgram(['ss', '-Htulne', '--cgroup'], options)
    return parseSocketCgroups(output.toString('utf8'))
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    return new Map()
  }
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
async function processesOf(cgroup: string): Promise<readonly string[]> {
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
