import { readFile } from 'node:fs/promises'
import { firstDefaults, type KeptDefaults, newestDefaults } from '../../config/kept-defaults.ts'
import { formatIpv4, type Ipv4Network, parseIpv4Network } from '../../core/cidr.ts'
import { freeNetwork, overlapping } from '../../network/free-network.ts'
import { parseRoutes, type Route } from '../../network/routes.ts'
import { type ApplianceRecord, RecordFile } from './record.ts'

/**
 * What stands for keys that the configuration leaves open: what was chosen at the first start, and before one the newest
 * image and a network that no route of this machine overlaps. Pure.
 * @param routes of this machine
 */
export function keptDefaults(record: ApplianceRecord, routes: readonly Route[]): KeptDefaults {
  if (record.defaults !== undefined) return record.defaults
  if (record.container !== undefined || record.controller !== undefined) return firstDefaults
  const own = parseIpv4Network(newestDefaults.subnet)
  // A bridge of just that network is one that an earlier appliance left, or that its owner has made for this one.
  const others = routes.filter((route) => !(isBridge(route.interface) && own !== undefined && isSame(route, own)))
  const clash = own && overlapping(own, others)[0]
  if (clash === undefined) return newestDefaults
  const free = freeNetwork(others)
  const because = `${newestDefaults.subnet} overlaps the route to ${formatIpv4(clash.base)}/${clash.prefix} by ${clash.interface}`
  return free === undefined ? newestDefaults : { ...newestDefaults, ...free, because }
}

function isBridge(name: string): boolean {
  return /^(?:br-|docker|podman)/.test(name)
}

function isSame(one: Ipv4Network, other: Ipv4Network): boolean {
  return one.base === other.base && one.prefix === other.prefix
}

/**
 * The same, from the record's file and this machine's routes as they are now. Of a record that cannot be read, as by a
 * user who may not, nothing is said here: whoever needs it does.
 */
export async function readKeptDefaults(recordFile: string): Promise<KeptDefaults> {
  try {
    const record = await new RecordFile(recordFile).read()
    return keptDefaults(record, parseRoutes(await readFile('/proc/net/route', 'utf8').catch(() => '')))
  } catch {
    return newestDefaults
  }
}
