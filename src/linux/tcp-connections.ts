import { readFile } from 'node:fs/promises'
import { formatIpv4 } from '../core/cidr.ts'
import { parseSocketTable, socketStates } from './socket-table.ts'

/** IPv4 as such, or mapped into IPv6, in the kernel's form of proc(5): words in the machine's byte order, little-endian here. */
function ipv4Of(hex: string): string | undefined {
  const word = hex.length === 8 ? hex : /^0{16}FFFF0000([0-9A-F]{8})$/.exec(hex)?.[1]
  return word === undefined ? undefined : formatIpv4(Buffer.from(word, 'hex').readUInt32LE())
}

/**
 * How many other machines are connected to `port` of this one by each IPv4 address of it, from the text of
 * /proc/net/tcp and tcp6 (proc(5)). A machine counts once for an address, however many connections it has.
 */
export function parseConnections(text: string, port: number): ReadonlyMap<string, number> {
  const clients = new Map<string, Set<string>>()
  for (const { localAddress, localPort, remoteAddress, state } of parseSocketTable(text)) {
    if (state !== socketStates.established || localPort !== port) continue
    const [by, from] = [ipv4Of(localAddress), ipv4Of(remoteAddress)]
    if (by === undefined || from === undefined || by === from || by.startsWith('127.')) continue
    clients.set(by, (clients.get(by) ?? new Set()).add(from))
  }
  return new Map([...clients].map(([by, from]) => [by, from.size]))
}

/** The same of this process's network namespace as it is now; nothing where the kernel does not tell. */
export async function readConnections(port: number): Promise<ReadonlyMap<string, number>> {
  const texts = await Promise.all(['tcp', 'tcp6'].map((file) => readFile(`/proc/net/${file}`, 'utf8').catch(() => '')))
  return parseConnections(texts.join('\n'), port)
}
