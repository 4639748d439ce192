import { readFile } from 'node:fs/promises'
import { systemCode } from '../../core/errors.ts'
import { parseSocketTable, socketStates } from '../../linux/socket-table.ts'

/**
 * The ports of a `/proc/net/udp` or `/proc/net/udp6` table on which anyone outside may be answered: bound, not
 * connected, and not on a loopback address.
 */
export function parseUdpTable(text: string): ReadonlySet<number> {
  const open = parseSocketTable(text).filter(
    ({ state, localAddress }) => state === socketStates.unconnected && !isLoopback(localAddress),
  )
  return new Set(open.map(({ localPort }) => localPort))
}

/** 127.0.0.0/8, ::1 or ::ffff:127.0.0.0/104 as little-endian words, the byte order of both supported processors. */
function isLoopback(hex: string): boolean {
  if (hex.length === 8) return hex.endsWith('7F')
  return hex === '00000000000000000000000001000000' || /^0{16}FFFF0000.{6}7F$/.test(hex)
}

/** The UDP ports bound in this process's network namespace. Java binds dual-stack: both tables count. */
export async function boundUdpPorts(): Promise<ReadonlySet<number>> {
  const tables = await Promise.all([readTable('/proc/self/net/udp'), readTable('/proc/self/net/udp6')])
  return new Set(tables.flatMap((table) => [...parseUdpTable(table)]))
}

async function readTable(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    // There is no udp6 where the kernel runs without IPv6.
    if (systemCode(error) === 'ENOENT' && path.endsWith('6')) return ''
    throw error
  }
}
