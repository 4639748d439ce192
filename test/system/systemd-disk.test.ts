import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { HostState } from '../../src/ipc/host-state.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { Outpost } from './support/outpost.ts'
import { SmallDisk } from './support/small-disk.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const address = '10.77.10.1'
/**
 * All that Podman keeps. Below it, its storage driver mounts a directory over itself, and unmounts whatever is mounted there
 * when the last program that used the storage ends (`Cleanup` of containers/storage's overlay driver): a disk of a test's own
 * there would be gone at the end of any `podman` command.
 */
const kept = '/var/lib/containers'
const volumes = `${kept}/storage/volumes`
const data = `${volumes}/omada-data/_data`

const host = systemdHost({ lans: { lan10: `${address}/24` } }, async ({ registry, appliance }) => {
  await registry.start()
  await registry.push('6.3')
  await appliance.install({ start: false })
  appliance.configure()
})
let volume: SmallDisk
let device: Device

const state = () => host().appliance.hostState()
const statusText = async () => (await host().machine.show(hostUnit, 'StatusText')).StatusText
const warned = (code: string, path: string) =>
  eventually(
    state,
    (now) => now.warnings.some((warning) => warning.code === code && warning.message.includes(path)),
    60_000,
  )
const disks = ({ history }: HostState) => history.filter(({ subject }) => subject === 'disk').map(({ to }) => to)

test('no room for the image: the start says so, tries again, and is ready when there is room', async () => {
  const { machine, appliance } = host()
  const disk = await SmallDisk.mount(machine, kept, '1g')
  volume = await SmallDisk.mount(machine, volumes, '3g')
  expect((await appliance.systemctl('start')).code).not.toBe(0)
  expect(await machine.journal(hostUnit)).toMatch(/DISK_FULL|MB free, but docker\.io\/\S+ needs 4096 MB/)
  // A registry so far away that the disk can become scarce while the image comes.
  const lo = (...args: string[]) => machine.exec(['tc', 'qdisc', ...args])
  await lo('add', 'dev', 'lo', 'root', 'tbf', 'rate', '4mbit', 'burst', '256kb', 'latency', '400ms')
  await disk.resize('6g')
  await eventually(state, ({ controller }) => (controller.pull?.current ?? 0) > 0, 90_000)
  await disk.leave(20)
  await lo('delete', 'dev', 'lo', 'root')

  // It said that there was room; now it comes to nothing under way.
  const full = await eventually(
    state,
    ({ phase, reason }) => phase === 'pulling' && reason.code === 'DISK_FULL',
    90_000,
  )
  expect(full.reason).toMatchObject({ message: expect.stringContaining('no space left'), remedy: expect.any(String) })
  expect(await statusText()).toMatch(/^Pulling image, trying again: the disk is full/)
  expect(await machine.exec(['podman', 'images', '--all', '--quiet'])).toBe('')
  await disk.resize('6g')
  await appliance.phase('ready', 120_000)
  await eventually(state, ({ warnings }) => warnings.every(({ code }) => code !== 'DISK_FULL'))
  expect(await machine.exec(['podman', 'images', '--quiet'])).toMatch(/^[0-9a-f]{12}$/)
  expect(await appliance.dataHistory()).toEqual(['first-start'])
})

test("the volume's disk becomes scarce: page, status and doctor warn, before anything fails", async () => {
  const { appliance, outpost } = host()
  device = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
  await adopt(host().operator, device)

  await volume.resize('500m')
  const low = await warned('DISK_LOW', data)
  expect(low.phase).toBe('ready')
  expect(low.warnings.find(({ code }) => code === 'DISK_LOW')?.message).toMatch(/\d+ of 500 MB are free/)
  await eventually(statusText, (text) => /^Ready: .*; but the file system of .* nearly full.*; fix: /.test(text ?? ''))
  expect((await appliance.command(['status'])).stdout).toContain('nearly full')
  await eventually(
    async () => (await outpost.call('http', { url: `http://${address}:8090/` })).body,
    (page) => page.includes('nearly full'),
  )
  const doctor = (await appliance.command(['doctor'])).stdout
  expect(doctor).toMatch(/warn +room +\[DISK_LOW\] .*omada-data/)
})

test('it becomes full: the database ends, the disk is named for it; with room again all goes on as it was', async () => {
  const { machine, appliance, outpost } = host()
  const before = await appliance.container()
  const { NRestarts } = await machine.show(hostUnit, 'NRestarts')
  await volume.fill()
  const full = await eventually(state, ({ phase }) => phase === 'degraded', 60_000)
  await warned('DISK_FULL', data)
  const blamed = await eventually(state, ({ reason }) => reason.code === 'DISK_FULL', 30_000)
  expect(blamed.reason.message).toMatch(/MongoDB.*the file system of .*omada-data.* is full: 0 of/)
  expect(blamed.conditions.find(({ name }) => name === 'database')?.reason.code).toBe('DISK_FULL')
  expect(await statusText()).toMatch(/^Degraded: .*is full/)
  expect((await appliance.command(['doctor'])).code).toBe(1)
  await eventually(
    () => outpost.call('http', { url: `http://${address}:8090/readyz` }),
    ({ status, body }) => status === 503 && body.includes('DISK_FULL'),
  )
  expect(full.controller.containerId).toBe(blamed.controller.containerId)

  await volume.free('3g')
  const after = await eventually(
    state,
    ({ phase, warnings }) => phase === 'ready' && warnings.every(({ code }) => code === 'DEVICE_ADDRESS'),
    60_000,
  )
  expect(disks(after).slice(-3)).toEqual(['low', 'full', 'ok'])
  expect(await appliance.container()).toBe(before)
  expect(await machine.show(hostUnit, 'NRestarts')).toEqual({ NRestarts })
  expect(device.count('disconnected')).toBe(0)
  // Nothing is half written, and what follows is a start like any other.
  expect(JSON.parse(machine.read(`${data}/db/devices.json`))).toMatchObject([{ mac: device.mac }])
  expect((await appliance.command(['restart'], 120_000)).code).toBe(0)
  await appliance.phase('ready')
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
})

test("the edge's state directory is full: it serves all the same, nothing half is left, and it is kept next time", async () => {
  const { machine, outpost } = host()
  const directory = '/var/lib/private/omada-host-edge'
  const disk = await SmallDisk.mount(machine, directory, '64k')
  await disk.fill()
  // Killed, so that nobody waits for its connections.
  const restart = () => machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
  const serves = () =>
    eventually(
      async () => (await outpost.call('http', { url: `https://${address}:8043/login` })).status,
      (status) => status === 200,
    )
  await restart()
  await warned('DISK_FULL', '/var/lib/omada-host-edge')
  await serves()
  expect(await machine.journal(edgeUnit)).toMatch(/certificate could not be kept/)
  expect(await machine.exec(['ls', directory])).toBe('fill')

  await disk.free('1g')
  await restart()
  const files = () => machine.exec(['ls', directory])
  await eventually(files, (listed) => listed === 'waiting-room.pem')
  await machine.exec(['openssl', 'x509', '-noout', '-in', `${directory}/waiting-room.pem`])
  await serves()
})

test('/run is full at a reload: the edge goes by what is in force, and keeps it, whole, when there is room', async () => {
  const { machine, appliance } = host()
  const run = SmallDisk.of(machine, '/run')
  const neighbour = await Outpost.open(host().ledger, await host().neighbour('lan10', 30))
  const page = () =>
    neighbour.call('http', { url: `http://${address}:8090/readyz`, deadlineMilliseconds: 5000 }).then(
      ({ status }) => status,
      () => 'refused',
    )
  const file = '/run/omada-host-edge-kept/in-force.json'
  const kept = machine.read(file)
  await run.fill()
  const management = ['192.0.2.0/24']
  appliance.configure({ access: { management } })
  expect((await appliance.systemctl('reload')).code).toBe(0)
  await eventually(page, (answer) => answer === 'refused')
  await eventually(
    () => machine.journal(edgeUnit),
    (log) => /cannot be kept in .*DISK_FULL/.test(log),
  )
  expect(machine.read(file)).toBe(kept)
  await run.free('1g')
  await eventually(
    async () => JSON.parse(machine.read(file)).config.access.management,
    (now) => isDeepStrictEqual(now, management),
  )
  expect(await machine.exec(['ls', '-A', '/run/omada-host-edge-kept/'])).toBe('in-force.json\nself.sock\nstarted')
  expect(await machine.exec(['ls', '-A', '/run/omada-host-edge'])).toBe('state.sock')
})

test('/run is full at the start: it says so, and starts with the edge when there is room', async () => {
  const { machine, appliance } = host()
  const run = SmallDisk.of(machine, '/run')
  expect((await appliance.systemctl('stop')).code).toBe(0)
  appliance.configure({ status: { port: 8091 } })
  await run.fill()
  await machine.exec(['systemctl', 'start', '--no-block', hostUnit])
  await warned('DISK_FULL', '/run/omada-host')
  await run.free('1g')
  // Both have failed some times by then, and wait longer each time.
  await appliance.phase('ready', 150_000)
  const { status } = await eventually(
    () => appliance.edgeState(),
    ({ status }) => status.state === 'listening',
    60_000,
  )
  expect(status.port).toBe(8091)
  expect(
    (await eventually(state, ({ warnings }) => warnings.every(({ code }) => code === 'DEVICE_ADDRESS'))).phase,
  ).toBe('ready')
  expect(await appliance.dataHistory()).toEqual([
    'first-start',
    'clean-stop',
    'clean-start',
    'clean-stop',
    'clean-start',
  ])
})
