import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

/** What a large site's controller takes to close its database; an engine kills after 10 s by default. */
const stopSeconds = 45
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) =>
  opened.startAppliance({ controller: { environment: { STANDIN_STOP_SECONDS: String(stopSeconds) } } }),
)
const journal = () => host().machine.journal()
const show = (unit: string, ...properties: string[]) => host().machine.show(unit, ...properties)
const containers = () => host().machine.exec(['podman', 'ps', '--all', '--format', '{{.Names}} {{.State}}'])

/** How long the controller's last stop took, in seconds, by its own log: from the signal until it was about to exit. */
function ownStopSeconds(): number {
  const log = host().machine.read('/var/lib/containers/storage/volumes/omada-logs/_data/server.log').split('\n')
  const [from, to] = ['going to shutdown ecsp thread pools', 'Omada Controller exited'].map((text) => {
    const [, month, day, year, time] =
      /^(\d+)-(\d+)-(\d+) (\S+)/.exec(log.findLast((line) => line.includes(text)) ?? '') ?? []
    return Date.parse(`${year}-${month}-${day}T${time}Z`)
  })
  return ((to ?? Number.NaN) - (from ?? Number.NaN)) / 1000
}

/** What stops took longer than the controller's own, in seconds. */
const added: number[] = []
async function measuredStop(): Promise<void> {
  const started = performance.now()
  expect(await host().appliance.systemctl('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
  added.push((performance.now() - started) / 1000 - ownStopSeconds())
}

test('systemctl stop waits for the controller: the data are clean, nothing is killed, the units are inactive', async () => {
  const { appliance } = host()
  await measuredStop()
  expect(ownStopSeconds()).toBeGreaterThanOrEqual(stopSeconds)
  const ended = { ActiveState: 'inactive', Result: 'success' }
  expect(await show(hostUnit, 'ActiveState', 'Result')).toEqual(ended)
  // Ended by systemd once the host has, which systemctl does not wait for.
  await eventually(
    () => show(edgeUnit, 'ActiveState', 'Result'),
    (unit) => unit.ActiveState === 'inactive',
  )
  expect(await show(edgeUnit, 'ActiveState', 'Result')).toEqual(ended)
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop'])
  expect(await containers()).toBe('')
  expect(await journal()).not.toMatch(/SIGKILL|Killing process/)
})

test('of its own the service takes a second at most', async () => {
  host().appliance.configure()
  for (let round = 0; round < 2; round += 1) {
    expect((await host().appliance.systemctl('start')).code).toBe(0)
    await measuredStop()
  }
  console.log(`systemctl stop adds ${added.map((each) => each.toFixed(2)).join(', ')} s to the controller's own stop`)
  // What else the machine does at that time only adds to it.
  expect(Math.min(...added)).toBeLessThanOrEqual(1)
})

test('a stop in the first moments of a host that found a controller running stops that, too', async () => {
  const { appliance, machine } = host()
  expect((await appliance.systemctl('start')).code).toBe(0)
  // As after a crash: a host that has not come as far as to handle a signal.
  machine.write(
    `/etc/systemd/system/${hostUnit}.d/test.conf`,
    "[Service]\nRestartSec=100ms\nExecStart=\nExecStart=/bin/sh -c 'sleep 5; exec /usr/lib/omada-host/omada-host host'\n",
  )
  const { MainPID: before } = await show(hostUnit, 'MainPID')
  await machine.exec(['systemctl', 'daemon-reload'])
  await machine.exec(['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', hostUnit])
  await eventually(
    () => show(hostUnit, 'MainPID', 'ActiveState'),
    ({ MainPID, ActiveState }) => ActiveState === 'activating' && MainPID !== '0' && MainPID !== before,
  )
  expect(await containers()).toBe('omada-controller running')
  expect((await appliance.systemctl('stop')).code).toBe(0)
  expect(await containers()).toBe('')
  expect(await show(hostUnit, 'ActiveState', 'Result')).toEqual({ ActiveState: 'inactive', Result: 'success' })
  expect((await appliance.dataHistory()).at(-1)).toBe('clean-stop')
})

// From the launcher's shell to a host that has begun to start its parts.
test.each([0.1, 0.3, 0.5])('nor does it run on when the stop comes %s s after a start', async (seconds) => {
  const { appliance, machine } = host()
  machine.write(`/etc/systemd/system/${hostUnit}.d/test.conf`, '[Service]\nRestartSec=100ms\n')
  await machine.exec(['systemctl', 'daemon-reload'])
  expect((await appliance.systemctl('start')).code).toBe(0)
  const script = `systemctl kill --kill-whom=main --signal=KILL ${hostUnit}
until systemctl show --property=SubState --value ${hostUnit} | grep -qx start; do :; done
sleep ${seconds}
systemctl stop ${hostUnit}`
  await machine.exec(['sh', '-euc', script])
  expect(await containers()).toBe('')
  expect((await appliance.dataHistory()).at(-1)).toBe('clean-stop')
})

test('a crash or a restart in those moments leaves the controller alone', async () => {
  const { appliance, machine } = host()
  expect((await appliance.systemctl('start')).code).toBe(0)
  const container = await appliance.container()
  await machine.exec(['systemctl', 'restart', '--no-block', hostUnit])
  const starting = () => show(hostUnit, 'SubState')
  await eventually(starting, ({ SubState }) => SubState === 'start')
  await machine.exec(['systemctl', 'restart', '--no-block', hostUnit])
  await eventually(starting, ({ SubState }) => SubState === 'start')
  await machine.exec(['systemctl', 'kill', '--kill-whom=main', '--signal=TERM', hostUnit])
  await eventually(starting, ({ SubState }) => SubState === 'running', 60_000)
  expect(await appliance.container()).toBe(container)
})
