import { lookup, resolveSrv } from 'node:dns/promises'
import { parseIpv4 } from '../../core/cidr.ts'
import type { Peer } from '../../core/peer.ts'

/** MongoDB's own port, where a URI names none. */
const standardPort = 27_017

/** How names are resolved; rejects for a name that has no such record. */
export interface Names {
  readonly ipv4: (name: string) => Promise<readonly string[]>
  readonly srv: (name: string) => Promise<readonly { readonly name: string; readonly port: number }[]>
}

/** As this machine resolves them, /etc/hosts included, which Podman hands on to the container. */
export const machineNames: Names = {
  ipv4: async (name) => (await lookup(name, { family: 4, all: true })).map(({ address }) => address),
  srv: (name) => resolveSrv(name),
}

/**
 * Where a database is that a URI names, by IPv4: `mongodb://user:secret@a:27018,b/omada`, or by SRV records for
 * `mongodb+srv://` (MongoDB's connection string format). A member that has no address now is left out.
 */
export async function databasePeers(uri: string, names: Names): Promise<readonly Peer[]> {
  const [, srv, hosts = ''] = /^mongodb(\+srv)?:\/\/(?:[^@/?]*@)?([^/?]+)/.exec(uri) ?? []
  const members = srv === undefined ? hosts.split(',').map(parseMember) : await srvMembers(hosts, names)
  const found = members.map(async ({ host, port }) =>
    (await addressesOf(host, names)).map((address) => ({ address, port })),
  )
  return (await Promise.all(found)).flat()
}

interface Member {
  readonly host: string
  readonly port: number
}

function parseMember(text: string): Member {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? []
  return { host, port: port === undefined ? standardPort : Number(port) }
}

async function srvMembers(host: string, names: Names): Promise<readonly Member[]> {
  const records = await names.srv(`_mongodb._tcp.${host}`).catch(() => [])
  return records.map(({ name, port }) => ({ host: name, port }))
}

async function addressesOf(host: string, names: Names): Promise<readonly string[]> {
  if (parseIpv4(host) !== undefined) return [host]
  return host === '' || host.startsWith('[') ? [] : await names.ipv4(host).catch(() => [])
}
