import { readFile } from 'node:fs/promises'
import { firstDefaults, type KeptDefaults, newestDefaults } from '../../config/kept-defaults.ts'
import { configSchema } from '../../config/schema.ts'
import { formatIpv4, parseIpv4Network } from '../../core/cidr.ts'
import { freeNetwork, overlapping } from '../../network/free-network.ts'
import { parseRoutes, type Route } from '../../network/routes.ts'
import { type ApplianceRecord, RecordFile } from './record.ts'
import { bridgeName } from './spec.ts'

/** The bridge of the network that is not called otherwise. */
const ownBridge = bridgeName(configSchema.shape.network.parse({}).name)

/**
 * What stands for keys that the configuration leaves open: what was chosen at the first start, and before one the newest
 * image and a network that no route of this machine overlaps. Pure.
 * @param routes of this machine
 */
export function keptDefaults(record: ApplianceRecord, routes: readonly Route[]): KeptDefaults {
  if (record.defaults !== undefined) return record.defaults
  if (record.container !== undefined || record.controller !== undefined) return firstDefaults
  const own = parseIpv4Network(newestDefaults.subnet)
  // A network of ours that an earlier appliance left is no clash.
  const others = routes.filter((route) => route.interface !== ownBridge)
  const clash = own && overlapping(own, others)[0]
  if (clash === undefined) return newestDefaults
  const free = freeNetwork(others)
  const because = `${newestDefaults.subnet} overlaps the route to ${formatIpv4(clash.base)}/${clash.prefix} by ${clash.interface}`
  return free === undefined ? newestDefaults : { ...newestDefaults, ...free, because }
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
