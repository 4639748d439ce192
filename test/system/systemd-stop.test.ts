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

test('systemctl stop waits for the controller: the data are clean, nothing is killed, the units are inactive', async () => {
  const { appliance } = host()
  const started = performance.now()
  expect(await appliance.systemctl('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
  const seconds = (performance.now() - started) / 1000
  const own = appliance.ownStopSeconds()
  expect(own).toBeGreaterThanOrEqual(stopSeconds)
  // How much longer than the controller's own stop it takes is a figure of the report. Here, by the ratio of the two: whatever
  // the machine does meanwhile, no time is waited for that counts beside the controller's own.
  console.log(`systemctl stop adds ${(seconds - own).toFixed(2)} s to the controller's own stop`)
  expect(seconds).toBeLessThan(1.25 * own)
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

test('a stop in the first moments of a host that found a controller running stops that, too', async () => {
  const { appliance, machine } = host()
  appliance.configure()
  expect((await appliance.systemctl('start')).code).toBe(0)
  // As after a crash: a host that has not come as far as to handle a signal, for as long as the test may need to send one.
  machine.write(
    `/etc/systemd/system/${hostUnit}.d/test.conf`,
    "[Service]\nRestartSec=100ms\nExecStart=\nExecStart=/bin/sh -c 'sleep 60; exec /usr/lib/omada-host/omada-host host'\n",
  )
  const { MainPID: before } = await show(hostUnit, 'MainPID')
  await machine.exec(['systemctl', 'daemon-reload'])
  await machine.exec(['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', hostUnit])
  await eventually(
    () => show(hostUnit, 'MainPID', 'ActiveState'),
    ({ MainPID, ActiveState }) => ActiveState === 'activating' && MainPID !== '0' && MainPID !== before,
  )
  expect(await containers()).toBe('omada-controller running')
  // Podman's service has ended, idle: nobody asks it while there is no host.
  await eventually(
    () => show('podman.service', 'ActiveState'),
    ({ ActiveState }) => ActiveState === 'inactive',
  )
  const fence = async () => (await machine.try(['nft', 'list', 'table', 'inet', 'omada-host'])).code
  expect(await fence()).toBe(0)
  expect((await appliance.systemctl('stop')).code).toBe(0)
  expect(await fence()).not.toBe(0)
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
  // A new process, whatever it has come to by the time that this is seen: the sum must be right at every moment.
  const script = `pid() { systemctl show --property=MainPID --value ${hostUnit}; }
before=$(pid)
systemctl kill --kill-whom=main --signal=KILL ${hostUnit}
until now=$(pid); [ "$now" != 0 ] && [ "$now" != "$before" ]; do :; done
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
  // As soon as there is a new process: a look for the start itself may come too late.
  const anew = async (verb: readonly string[]) => {
    const { MainPID: before } = await show(hostUnit, 'MainPID')
    await machine.exec(['systemctl', ...verb, hostUnit])
    await eventually(
      () => show(hostUnit, 'MainPID'),
      ({ MainPID }) => MainPID !== '0' && MainPID !== before,
    )
  }
  await anew(['restart', '--no-block'])
  await anew(['restart', '--no-block'])
  await anew(['kill', '--kill-whom=main', '--signal=TERM'])
  await eventually(
    () => show(hostUnit, 'SubState'),
    ({ SubState }) => SubState === 'running',
    60_000,
  )
  expect(await appliance.container()).toBe(container)
})
