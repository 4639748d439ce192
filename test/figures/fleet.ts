import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { fleetLan, startFleet } from '../system/support/fleet-lan.ts'
import { Outpost } from '../system/support/outpost.ts'
import { usageOf } from '../system/support/processes.ts'
import { SystemdHost } from '../system/support/systemd-host.ts'
import { type Figure, median, seconds, times } from './figure.ts'
import { serviceProcesses } from './service.ts'

const count = 1000
const adopted = 500

/** A thousand devices, of which five hundred hold a connection: what the services need for them in a minute. */
export async function measureFleet(): Promise<Figure[]> {
  const host = await SystemdHost.open({ lans: fleetLan })
  try {
    await host.startAppliance()
    const fleet = await startFleet(host, count)
    const known = async () => Object.keys((await host.operator.stats()).discovery.byMac)
    const macs = await eventually(known, ({ length }) => length === count, 90_000)
    for (const mac of macs.slice(0, adopted)) await host.operator.adopt(mac)
    await eventually(
      async () => fleet.sums.connects,
      (connects) => connects === adopted,
      120_000,
    )
    const neighbour = await Outpost.open(host.ledger, await host.neighbour('lan40', 8))
    const all = [...(await serviceProcesses(host))]
    const proc = host.machine.path('/proc')
    const before = all.map(([, pid]) => usageOf(pid, proc).cpuSeconds)
    let pages: number[] = []
    const elapsed = await seconds(async () => {
      pages = await times(12, async () => {
        const { milliseconds } = await neighbour.call('http', { url: 'http://10.77.40.1:8090/' })
        await delay(5000)
        return milliseconds
      })
    })
    neighbour.close()
    return [
      ...all.flatMap(([name, pid], index): Figure[] => {
        const { cpuSeconds, residentMegabytes } = usageOf(pid, proc)
        const share = ((cpuSeconds - (before[index] ?? 0)) / elapsed) * 100
        return [
          { name: `1,000 devices: memory of the ${name}`, unit: 'MB', value: residentMegabytes },
          { name: `1,000 devices: processor of the ${name}`, unit: '% of a core', value: share },
        ]
      }),
      { name: '1,000 devices: the status page', unit: 'ms', value: median(pages) },
    ]
  } catch (error) {
    console.error(await host.report())
    throw error
  } finally {
    await host.close()
  }
}
