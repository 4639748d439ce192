import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  await opened.registry.start()
  await opened.registry.push('6.3')
  await opened.appliance.install({ start: false })
})
const show = (unit: string, ...properties: string[]) => host().machine.show(unit, ...properties)
const pidOf = async (unit: string) => (await show(unit, 'MainPID')).MainPID

/** A time span as systemctl prints it, such as `1min 3.125s`, in seconds. */
function spanSeconds(text: string): number {
  const units = { min: 60, s: 1, ms: 1e-3, us: 1e-6 } as const
  const parts = [...text.matchAll(/([\d.]+)(min|ms|us|s)\b/g)]
  if (parts.length === 0) throw new Error(`${text} is no time span`)
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit as keyof typeof units], 0)
}

/** Waits until the last beat that a unit's watchdog has had is so many seconds later than now, by systemd's clock. */
async function beats(unit: string, seconds: number): Promise<void> {
  const until = Number(process.hrtime.bigint()) / 1e9 + seconds
  await eventually(
    () => host().machine.stamp('WatchdogTimestampMonotonic', unit),
    (beat) => beat > until,
    (seconds + 60) * 1000,
  )
}

/** What systemd reads beside the unit file, as after `systemctl edit`. */
async function dropIn(text: string, unit = hostUnit): Promise<void> {
  host().machine.write(`/etc/systemd/system/${unit}.d/test.conf`, text)
  await host().machine.exec(['systemctl', 'daemon-reload'])
}

test('a start that failed ends with its reason, and is tried again with a growing delay', async () => {
  const { appliance } = host()
  appliance.configure({ controller: { image: 'docker.io/mbentley/omada-controller:9.9' } })
  onTestFinished(() => appliance.configure())
  expect((await appliance.systemctl('start')).code).not.toBe(0)
  // Between two tries, of which each begins with another status.
  await eventually(
    () => show(hostUnit, 'StatusText', 'ExecMainStatus', 'Result'),
    ({ StatusText = '', ExecMainStatus, Result }) =>
      /^Failed: .*9\.9.*; fix: /.test(StatusText) && ExecMainStatus === '1' && Result === 'exit-code',
  )
  // What systemd itself says of the delay before the next try, by the number of tries there were. Only while it waits is that
  // the delay that it waits for: during a try it is the one before. A look may come too late for one of them, so the first
  // three that are seen count.
  const delays = new Map<number, number>()
  await eventually(
    async () => {
      const {
        NRestarts,
        RestartUSecNext = '',
        SubState,
      } = await show(hostUnit, 'NRestarts', 'RestartUSecNext', 'SubState')
      if (SubState === 'auto-restart') delays.set(Number(NRestarts), spanSeconds(RestartUSecNext))
      return delays.size
    },
    (seen) => seen >= 3,
    100_000,
  )
  const inOrder = [...delays].sort(([a], [b]) => a - b).map(([, seconds]) => seconds)
  expect(inOrder).toEqual([...new Set(inOrder)].sort((a, b) => a - b))

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
  await dropIn('[Service]\nWatchdogSec=10s\n')
  expect((await appliance.systemctl('restart')).code).toBe(0)
  const facts = async () => ({ container: await appliance.container(), edge: await pidOf(edgeUnit) })
  const before = { ...(await facts()), host: await pidOf(hostUnit) }
  // It lives on for longer than that by its beats.
  await beats(hostUnit, 21)
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
  await dropIn('[Service]\nWatchdogSec=8s\n', edgeUnit)
  await machine.exec(['systemctl', 'restart', edgeUnit])
  const mac = 'AA-BB-CC-10-00-11'
  const device = await host().device('lan10', 11, { class: 'ap', mac, name: 'AP' })
  await adopt(operator, device)
  const facts = async () => ({ container: await appliance.container(), host: await pidOf(hostUnit) })
  const before = { ...(await facts()), edge: await pidOf(edgeUnit) }
  // It lives on for longer than that by its beats.
  await beats(edgeUnit, 17)
  expect(await pidOf(edgeUnit)).toBe(before.edge)

  await machine.exec(['kill', '-STOP', before.edge ?? ''])
  await device.event('connected', 60_000, () => device.count('connected') > 1)
  expect(await pidOf(edgeUnit)).not.toBe(before.edge)
  expect(await facts()).toEqual({ container: before.container, host: before.host })
  expect(await machine.journal(edgeUnit)).toContain('Watchdog timeout')
})

test('an edge that fails at once is not started all the time, although systemd cannot let the delay grow', async () => {
  const { machine } = host()
  // Else nobody needs the edge.
  await machine.exec(['systemctl', 'start', '--no-block', hostUnit])
  // As systemd before 254 has it.
  await dropIn('[Service]\nRestartSteps=0\nExecStart=\nExecStart=/bin/false\n', edgeUnit)
  const begun = performance.now()
  await machine.exec(['systemctl', 'restart', edgeUnit])
  const restarts = async () => Number((await show(edgeUnit, 'NRestarts')).NRestarts)
  await eventually(restarts, (count) => count >= 3, 60_000)
  // The first comes at once, the others after five seconds each.
  expect(performance.now() - begun).toBeGreaterThan(9000)
  await dropIn('', edgeUnit)
  await machine.exec(['systemctl', 'restart', edgeUnit])
  await eventually(
    () => show(edgeUnit, 'SubState'),
    ({ SubState }) => SubState === 'running',
  )
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
  await machine.exec(['podman', 'rmi', '--force', 'docker.io/mbentley/omada-controller:6.3'])
  await registry.stop()
  await rm(join(host().ledger.directory, 'registry/blobs'), { recursive: true })
  await registry.start()
  expect((await appliance.command(['start'])).stderr).toContain('IMAGE_NOT_FOUND')
  await appliance.phase('failed')
  // A start would be given up within a second: by its next beats but one it would have ended.
  await beats(hostUnit, 6)
  expect(await show(hostUnit, 'MainPID', 'ActiveState')).toEqual({ MainPID: pid, ActiveState: 'active' })
  await registry.push('6.3')
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
