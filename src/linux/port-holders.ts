import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { plainText } from '../core/text.ts'
import { processesOf, socketCgroups, unitOf } from './socket-cgroups.ts'

/** A process of this machine that listens on a port. */
export interface SocketHolder {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly pid: number
  readonly process: string
}

export interface PortKey {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

const tcpListen = '0A'

/** Inodes of the listening sockets on `ports`, from the text of /proc/net/{tcp,tcp6,udp,udp6} (proc(5)). */
export function parseListeners(text: string, protocol: 'tcp' | 'udp', ports: ReadonlySet<number>): Map<string, number> {
  const inodes = new Map<string, number>()
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    const port = Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16)
    const inode = fields[9]
    if (inode === undefined || inode === '0' || !ports.has(port)) continue
    if (protocol === 'tcp' && fields[3] !== tcpListen) continue
    // A connected UDP socket has a peer; only those without one hold the port.
    if (protocol === 'udp' && !/^0+:0000$/.test(fields[2] ?? '')) continue
    inodes.set(inode, port)
  }
  return inodes
}

/**
 * The processes that listen on these ports in this network namespace. Who has a socket open is seen of one's own
 * processes, and of all with CAP_SYS_PTRACE; of the others it is told which unit opened it. Costs one walk over /proc, so
 * it is for a slow rhythm or a failure.
 */
export async function findPortHolders(ports: readonly PortKey[], signal?: AbortSignal): Promise<SocketHolder[]> {
  const sockets = new Map<string, PortKey>()
  for (const protocol of ['tcp', 'udp'] as const) {
    const wanted = new Set(ports.filter((key) => key.protocol === protocol).map((key) => key.port))
    for (const file of [protocol, `${protocol}6`]) {
      const text = await readFile(`/proc/net/${file}`, 'utf8').catch(() => '')
      for (const [inode, port] of parseListeners(text, protocol, wanted)) sockets.set(inode, { protocol, port })
    }
  }
  if (sockets.size === 0) return []
  const holders: SocketHolder[] = []
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
): Promise<SocketHolder[]> {
  const cgroups = await socketCgroups(signal)
  const holders: SocketHolder[] = []
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

/** The name of the program's file, which is its owner's to choose; a process may call itself otherwise, as Node's does `MainThread`. */
async function programOf(pid: string): Promise<string> {
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
