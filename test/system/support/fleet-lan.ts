import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatIpv4, parseIpv4 } from '../../../src/core/cidr.ts'
import { command } from '../../support/command.ts'
import { Fleet } from '../../support/fleet.ts'
import type { SystemdHost } from './systemd-host.ts'

/** The LAN that `startFleet` plugs its devices into; the host's address on it is 10.77.40.1/22. */
export const fleetLan = { lan40: '10.77.40.1/22' }

const firstAddress = '10.77.40.10'

/** So many devices on a host's LAN, which announce themselves as real ones do: every ten seconds, each announce twice. */
export async function startFleet(host: SystemdHost, count: number): Promise<Fleet> {
  const namespace = await host.neighbour('lan40', 9)
  const first = parseIpv4(firstAddress) ?? 0
  const lines = Array.from(
    { length: count },
    (_, index) => `address add ${formatIpv4(first + index)}/22 brd + dev eth0`,
  )
  const file = join(host.ledger.directory, 'addresses')
  writeFileSync(file, lines.join('\n'))
  await command(namespace.enter(['ip', '-batch', file]))
  const announceTo = ['255.255.255.255', '10.77.43.255']
  return await Fleet.start(host.ledger, {
    namespace,
    count,
    firstAddress,
    announceTo,
    announceSeconds: 10,
    informSeconds: 10,
  })
}
