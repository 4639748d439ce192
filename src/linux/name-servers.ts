import { readFile } from 'node:fs/promises'
import { isUnspecified, parseSocketTable } from './socket-table.ts'

/** How this machine resolves names, as far as its containers depend on it. */
export interface MachineNames {
  /** The name servers that it asks. */
  readonly servers: readonly string[]
  /** Whether a name server of its own listens on every address, those of bridges included, as Pi-hole does. */
  readonly served: boolean
}

const namePaths = {
  resolvConf: '/etc/resolv.conf',
  /** Where systemd-resolved keeps the servers behind its own, which is on the loopback. */
  resolved: '/run/systemd/resolve/resolv.conf',
  udp: '/proc/net/udp',
  udp6: '/proc/net/udp6',
}

/** systemd-resolved.service(8). */
const resolvedStub = '127.0.0.53'

/** Reads it now. What cannot be read is not there. */
export async function readMachineNames(paths = namePaths): Promise<MachineNames> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const servers = parseNameServers(await read(paths.resolvConf))
  // As Podman does, when it makes a container's resolv.conf.
  const behind = servers.length === 1 && servers[0] === resolvedStub ? parseNameServers(await read(paths.resolved)) : []
  return {
    servers: behind.length > 0 ? behind : servers,
    served: servesEverywhere(await read(paths.udp)) || servesEverywhere(await read(paths.udp6)),
  }
}

/** The name servers of a resolv.conf(5). */
function parseNameServers(text: string): readonly string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map((match) => match[1] ?? '')
}

const nameServerPort = 53

/** Whether a socket of /proc/net/udp or udp6 is bound to port 53 of every address. */
function servesEverywhere(text: string): boolean {
  return parseSocketTable(text).some(
    ({ localAddress, localPort, remoteAddress, remotePort }) =>
      localPort === nameServerPort && remotePort === 0 && isUnspecified(localAddress) && isUnspecified(remoteAddress),
  )
}

/** An address that is reached on the machine itself alone. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
