/** One socket of a network namespace, as the kernel lists it. Numbers are upper-case hexadecimal. */
export interface SocketRow {
  /** IPv4 in 8 digits, IPv6 in 32: words in the machine's byte order. */
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  /** `st`: 0A is a TCP socket that listens, 07 a UDP socket that is not connected. */
  readonly state: string
  readonly inode: string
}

const endpoint = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/

/**
 * The rows of /proc/net/{tcp,tcp6,udp,udp6} (proc(5), kernel Documentation/networking/proc_net_tcp.rst): `sl local_address
 * rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`. What is no such row is left out.
 */
export function parseSocketTable(text: string): readonly SocketRow[] {
  const rows: SocketRow[] = []
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    const [, local, remote] = fields.slice(0, 3).map((field) => endpoint.exec(field))
    const [state, inode] = [fields[3], fields[9]]
    if (!local?.[1] || !local[2] || !remote?.[1] || !remote[2] || state === undefined || inode === undefined) continue
    rows.push({
      localAddress: local[1],
      localPort: Number.parseInt(local[2], 16),
      remoteAddress: remote[1],
      remotePort: Number.parseInt(remote[2], 16),
      state,
      inode,
    })
  }
  return rows
}

/** Of a socket that is bound, or connected, to no address in particular. */
export function isUnspecified(address: string): boolean {
  return /^0+$/.test(address)
}

/** proc(5), `st`: TCP_ESTABLISHED, TCP_LISTEN, and TCP_CLOSE, which a UDP socket has that takes datagrams from anyone. */
export const socketStates = { established: '01', listening: '0A', unconnected: '07' } as const
