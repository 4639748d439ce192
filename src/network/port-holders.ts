import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

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
 * The processes that listen on these ports in this network namespace. Needs root to see other users' processes; what
 * cannot be read is left out. Costs one walk over /proc, so it is for a slow rhythm or a failure.
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
  for (const entry of await readdir('/proc')) {
    signal?.throwIfAborted()
    if (!/^\d+$/.test(entry)) continue
    const held = await socketsOf(entry, sockets)
    if (held.length === 0) continue
    const process = await programOf(entry)
    holders.push(...held.map((key) => ({ ...key, pid: Number(entry), process })))
  }
  return holders
}

/** The name of the program's file; a process may call itself otherwise, as Node's does `MainThread`. */
async function programOf(pid: string): Promise<string> {
  const file = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
  if (file !== undefined) return basename(file.replace(/ \(deleted\)$/, ''))
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim()
}

async function socketsOf(pid: string, sockets: ReadonlyMap<string, PortKey>): Promise<PortKey[]> {
  const directory = `/proc/${pid}/fd`
  const descriptors = await readdir(directory).catch(() => [])
  const held = new Map<string, PortKey>()
  for (const descriptor of descriptors) {
    const target = await readlink(`${directory}/${descriptor}`).catch(() => '')
    const key = sockets.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')
    if (key !== undefined) held.set(`${key.protocol}/${key.port}`, key)
  }
  return [...held.values()]
}
