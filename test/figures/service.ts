import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from '../system/support/installed-appliance.ts'
import { usageOf } from '../system/support/processes.ts'
import { SystemdHost } from '../system/support/systemd-host.ts'
import { type Figure, median, seconds, times } from './figure.ts'

/** What the controller takes to stop when the machine is switched off, in seconds. */
const stopSeconds = 5

/** The installed services: what they add to the controller's own stop, and how soon they serve after a start, a boot, a crash. */
export async function measureService(): Promise<Figure[]> {
  const host = await SystemdHost.open({ lans: { lan10: '10.77.10.1/24' } })
  const { machine, appliance } = host
  const systemctl = async (verb: 'start' | 'stop') => {
    const { code, stderr } = await appliance.systemctl(verb)
    if (code !== 0) throw new Error(`systemctl ${verb}: ${stderr}`)
  }
  try {
    await host.startAppliance()
    const memory = await residentMegabytes(host)
    const starts: number[] = []
    const stops = await times(3, async () => {
      const stop = await seconds(() => systemctl('stop'))
      starts.push(await seconds(() => systemctl('start')))
      return stop - appliance.ownStopSeconds()
    })
    const page = () => host.outpost.call('http', { url: 'http://10.77.10.1:8090/healthz', deadlineMilliseconds: 1000 })
    const edgeAgain = await times(3, async () => {
      // Beyond the last crash's growing delay.
      await machine.exec(['systemctl', 'restart', edgeUnit])
      await machine.exec(['systemctl', 'reset-failed', edgeUnit])
      await machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
      return await seconds(() => eventually(page, ({ status }) => status === 200))
    })
    await host.operator.fault({ stopSeconds })
    const powerOff = (await seconds(() => host.powerOff())) - stopSeconds
    await host.boot()
    await eventually(
      () => host.operator.health(),
      (health) => health.ready,
      90_000,
    )
    const ready = await seconds(() => appliance.phase('ready'))
    const served =
      (await machine.said(edgeUnit, 'the edge serves')) - (await machine.stamp('UserspaceTimestampMonotonic'))
    return [
      { name: 'systemctl start, with a controller that starts at once', unit: 's', value: median(starts) },
      { name: "systemctl stop adds to the controller's own stop", unit: 's', value: median(stops) },
      { name: 'the edge serves again after it was killed', unit: 's', value: median(edgeAgain) },
      { name: "poweroff adds to the controller's own stop", unit: 's', value: powerOff },
      { name: 'boot: the edge serves after systemd began', unit: 's', value: served },
      { name: 'boot: ready after the controller', unit: 's', value: ready },
      ...memory,
    ]
  } catch (error) {
    console.error(await host.report())
    throw error
  } finally {
    await host.close()
  }
}

/** The service's processes by name, with the ids that they have on their machine. */
export async function serviceProcesses({ machine }: SystemdHost): Promise<Map<string, number>> {
  const pidOf = async (unit: string) => Number((await machine.show(unit, 'MainPID')).MainPID)
  const host = await pidOf(hostUnit)
  const children = readFileSync(join(machine.path('/proc'), `${host}/task/${host}/children`), 'utf8')
    .trim()
    .split(' ')
  return new Map([
    ['host', host],
    ['edge', await pidOf(edgeUnit)],
    ['probe', Number(children[0])],
  ])
}

async function residentMegabytes(host: SystemdHost): Promise<Figure[]> {
  const proc = host.machine.path('/proc')
  return [...(await serviceProcesses(host))].map(([name, pid]) => ({
    name: `service ${name}: memory, ready`,
    unit: 'MB',
    value: usageOf(pid, proc).residentMegabytes,
  }))
}
