import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  await opened.registry.start()
  await opened.registry.push('6.2')
  await opened.appliance.install({ start: false })
})
const show = (unit: string, ...properties: string[]) => host().machine.show(unit, ...properties)
const pidOf = async (unit: string) => (await show(unit, 'MainPID')).MainPID

/** What systemd reads beside the unit file, as after `systemctl edit`. */
async function dropIn(text: string, unit = hostUnit): Promise<void> {
  host().machine.write(`/etc/systemd/system/${unit}.d/test.conf`, text)
  await host().machine.exec(['systemctl', 'daemon-reload'])
}

test('a start that failed ends with its reason, and is tried again with a growing delay', async () => {
  const { appliance } = host()
  appliance.configure({ controller: { image: 'docker.io/mbentley/omada-controller:9.9' } })
  expect((await appliance.systemctl('start')).code).not.toBe(0)
  const after = await show(hostUnit, 'StatusText', 'ExecMainStatus', 'Result')
  expect(after).toMatchObject({ ExecMainStatus: '1', Result: 'exit-code' })
  expect(after.StatusText).toMatch(/^Failed: .*9\.9.*; fix: /)
  await eventually(
    () => show(hostUnit, 'NRestarts'),
    ({ NRestarts }) => Number(NRestarts) >= 2,
    60_000,
  )
  const journal = await host().machine.journal(hostUnit)
  const failures = [...journal.matchAll(/\[\s*([\d.]+)\] .*Failed with result 'exit-code'/g)].map(([, at]) =>
    Number(at),
  )
  const starts = [...journal.matchAll(/\[\s*([\d.]+)\] .*Starting omada-host\.service/g)].map(([, at]) => Number(at))
  const delays = failures.slice(0, 2).map((failed, index) => (starts[index + 1] ?? Number.NaN) - failed)
  // By more than chance; it grows by 2.5 s.
  expect(delays[1]).toBeGreaterThan((delays[0] ?? Number.NaN) + 1)

  // Put right, the next try is a start like any other; without a hand.
  appliance.configure()
  await eventually(
    () => show(hostUnit, 'ActiveState'),
    ({ ActiveState }) => ActiveState === 'active',
    90_000,
  )
  expect((await appliance.hostState()).phase).toBe('ready')
})

test('a host that hangs is started anew by its watchdog; the edge and the controller run on', async () => {
  const { appliance, machine } = host()
  await dropIn('[Service]\nWatchdogSec=6s\n')
  expect((await appliance.systemctl('restart')).code).toBe(0)
  const facts = async () => ({ container: await appliance.container(), edge: await pidOf(edgeUnit) })
  const before = { ...(await facts()), host: await pidOf(hostUnit) }
  // It lives on for longer than that by its beats.
  await new Promise((resolve) => setTimeout(resolve, 13_000))
  expect(await pidOf(hostUnit)).toBe(before.host)

  await machine.exec(['kill', '-STOP', before.host ?? ''])
  await eventually(
    () => show(hostUnit, 'MainPID', 'ActiveState'),
    ({ MainPID, ActiveState }) => ActiveState === 'active' && MainPID !== before.host,
    60_000,
  )
  expect(await facts()).toEqual({ container: before.container, edge: before.edge })
  expect(await machine.journal(hostUnit)).toContain('Watchdog timeout')
})

test('an edge that hangs is started anew by its watchdog; the controller and the host run on, the devices are back', async () => {
  const { appliance, machine, operator } = host()
  await dropIn('[Service]\nWatchdogSec=4s\n', edgeUnit)
  await machine.exec(['systemctl', 'restart', edgeUnit])
  const mac = 'AA-BB-CC-10-00-11'
  const device = await host().device('lan10', 11, { class: 'ap', mac, name: 'AP' })
  await eventually(
    () => operator.device(mac),
    (known) => known?.state === 'pending',
  )
  await operator.adopt(mac)
  await device.event('connected', 30_000)
  const facts = async () => ({ container: await appliance.container(), host: await pidOf(hostUnit) })
  const before = { ...(await facts()), edge: await pidOf(edgeUnit) }
  // It lives on for longer than that by its beats.
  await new Promise((resolve) => setTimeout(resolve, 9000))
  expect(await pidOf(edgeUnit)).toBe(before.edge)

  await machine.exec(['kill', '-STOP', before.edge ?? ''])
  await device.event('connected', 60_000, () => device.count('connected') > 1)
  expect(await pidOf(edgeUnit)).not.toBe(before.edge)
  expect(await facts()).toEqual({ container: before.container, host: before.host })
  expect(await machine.journal(edgeUnit)).toContain('Watchdog timeout')
})

test('a SIGTERM that is not systemd’s ends the host alone, and it is back soon', async () => {
  const { appliance, machine } = host()
  const before = { container: await appliance.container(), edge: await pidOf(edgeUnit) }
  const pid = await pidOf(hostUnit)
  await machine.exec(['kill', '-TERM', pid ?? ''])
  await eventually(
    () => show(hostUnit, 'MainPID', 'ActiveState'),
    ({ MainPID, ActiveState }) => ActiveState === 'active' && MainPID !== pid,
    60_000,
  )
  expect({ container: await appliance.container(), edge: await pidOf(edgeUnit) }).toEqual(before)
})

test('ready, it stays when the controller fails, and takes the user’s start', async () => {
  const { appliance, machine, registry } = host()
  const pid = await pidOf(hostUnit)
  expect((await appliance.command(['stop'])).code).toBe(0)
  expect((await appliance.hostState()).phase).toBe('stopped')
  // Neither here nor in the registry.
  await machine.exec(['podman', 'rmi', '--force', 'docker.io/mbentley/omada-controller:6.2'])
  await registry.stop()
  await rm(join(host().ledger.directory, 'registry/blobs'), { recursive: true })
  await registry.start()
  expect((await appliance.command(['start'])).stderr).toContain('IMAGE_NOT_FOUND')
  await appliance.phase('failed')
  // A start would be given up within a second.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(await show(hostUnit, 'MainPID', 'ActiveState')).toEqual({ MainPID: pid, ActiveState: 'active' })
  await registry.push('6.2')
  expect((await appliance.command(['start'])).code).toBe(0)
  await appliance.phase('ready')
  expect(await pidOf(hostUnit)).toBe(pid)
})

test('a start that comes to nothing in its time ends with 1, too, and says why', async () => {
  const { appliance, machine } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  const engine = ['podman.socket', 'podman.service']
  await machine.exec(['systemctl', 'mask', '--runtime', '--now', ...engine])
  appliance.configure({ health: { startupSeconds: 10 } })
  expect((await appliance.systemctl('start')).code).not.toBe(0)
  const after = await show(hostUnit, 'StatusText', 'ExecMainStatus', 'Result')
  // On a terminal it would be 69.
  expect(after).toMatchObject({ ExecMainStatus: '1', Result: 'exit-code' })
  expect(after.StatusText).toMatch(/^Failed: .*podman\.sock.*; fix: /)
  await machine.exec(['systemctl', 'unmask', '--runtime', ...engine])
  await machine.exec(['systemctl', 'start', 'podman.socket'])
  appliance.configure()
  await eventually(
    () => show(hostUnit, 'ActiveState'),
    ({ ActiveState }) => ActiveState === 'active',
    60_000,
  )
})

test('a reload takes up another schedule, and the check for newer images works in its confinement', async () => {
  const { appliance } = host()
  appliance.configure({ images: { checkSchedule: '* * * * *' } })
  expect((await appliance.systemctl('reload')).code).toBe(0)
  const { images } = await eventually(
    () => appliance.hostState(),
    (state) => state.images !== undefined,
    90_000,
  )
  // The image was found through the machine's mirror. Tags are asked of docker.io itself, which this machine cannot reach;
  // nothing else went wrong.
  expect(images?.fault).toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringMatching(/repository tags.*lookup registry-1\.docker\.io/),
  })
})
