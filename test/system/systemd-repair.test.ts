import { expect, test } from 'vitest'
import type { HistoryEntry } from '../../src/core/warning-kinds.ts'
import type { HostState } from '../../src/ipc/host-state.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) => opened.startAppliance())
let device: Device

const state = () => host().appliance.hostState()
/** Nobody tells the appliance here what the controller tells its devices. */
const codes = (now: HostState) =>
  [now.reason, ...now.warnings].map((reason) => reason.code).filter((code) => code !== 'DEVICE_ADDRESS')
const podman = (...args: string[]) => host().machine.exec(['podman', ...args])
const informs = () => Number(device.events('informed').at(-1)?.count ?? 0)

/** Waits for the controller to be ready in another container than before, and returns what was done since. */
async function repaired(before: HostState): Promise<HistoryEntry[]> {
  const after = await eventually(
    state,
    (now) => now.phase === 'ready' && now.controller.containerId !== before.controller.containerId,
    90_000,
  )
  const since = before.history.at(-1)?.at ?? ''
  return after.history.filter((entry) => entry.at > since)
}

/** The steps of the reconciler among them. */
const steps = (history: readonly HistoryEntry[]) =>
  history.filter((entry) => entry.subject === 'controller').map((entry) => entry.message)

/** The state, and what waits for the device's next connection. */
async function snapshot() {
  const connections = device.count('connected')
  return {
    before: await state(),
    reconnected: () => device.event('connected', 90_000, () => device.count('connected') > connections),
  }
}

test('a device is adopted', async () => {
  device = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
  await adopt(host().operator, device)
})

test('the engine hangs: it is told, everything else goes on; it wakes up, and that is told', async () => {
  const { machine, appliance } = host()
  const before = await appliance.container()
  // It is the last that the appliance does of its own accord.
  const noted = (entry: HistoryEntry) => entry.message.startsWith('noted that the controller')
  const { history } = await eventually(state, (now) => now.history.some(noted), 60_000)
  await machine.exec(['systemctl', 'kill', '--signal=STOP', 'podman.service'])
  const hung = await eventually(state, (now) => codes(now).includes('ENGINE_TIMEOUT'), 120_000)
  expect(hung.controller.containerId).toBe((await state()).controller.containerId)
  // The host answers, the edge forwards.
  expect((await appliance.command(['status'], 10_000)).stdout).toContain('not answer')
  const count = informs()
  await eventually(
    async () => informs(),
    (now) => now > count + 1,
  )
  const web = await host().outpost.call('http', { url: 'https://10.77.10.1:8043/login' })
  expect(web.status).toBe(200)

  await machine.exec(['systemctl', 'kill', '--signal=CONT', 'podman.service'])
  await eventually(state, (now) => now.phase === 'ready' && !codes(now).includes('ENGINE_TIMEOUT'), 90_000)
  expect(await appliance.container()).toBe(before)
  expect(await machine.show(hostUnit, 'NRestarts')).toEqual({ NRestarts: '0' })
  expect(device.count('disconnected')).toBe(0)
  // Told once, however often it was tried; and nothing was done.
  expect((await machine.journal(hostUnit)).match(/controller: .*did not answer within/g)).toHaveLength(1)
  expect((await state()).history).toEqual(history)
})

test("the engine's socket is restarted: nothing happens to the container, and what happens to it then is noticed at once", async () => {
  const { machine, appliance } = host()
  const before = await appliance.container()
  const { history } = await state()
  await machine.exec(['systemctl', 'restart', 'podman.socket', 'podman.service'])
  await eventually(state, (now) => now.phase === 'ready' && codes(now).every((code) => code === undefined), 60_000)
  // Told by an event: the next look without one would be half a minute later.
  const paused = (now: HostState) => now.warnings.some(({ message }) => message.includes('paused'))
  await podman('pause', 'omada-controller')
  await eventually(state, paused, 15_000)
  await podman('unpause', 'omada-controller')
  await eventually(state, (now) => !paused(now), 15_000)
  expect(await appliance.container()).toBe(before)
  expect((await state()).history).toEqual(history)
  expect(device.count('disconnected')).toBe(0)
})

test('the image goes while the container runs: the container is left alone', async () => {
  const { appliance, machine } = host()
  const before = await appliance.container()
  const image = 'docker.io/mbentley/omada-controller:6.3'
  await podman('untag', image)
  expect((await appliance.command(['status'])).stdout).toContain('ready')
  expect((await appliance.systemctl('restart')).code).toBe(0)
  expect(await appliance.container()).toBe(before)
  // Nobody asked for another one yet.
  expect(steps((await state()).history)).toEqual([])
  expect((await machine.try(['podman', 'image', 'exists', image])).code).toBe(1)
})

test('the container is removed behind its back: one like it is made, from an image pulled anew, with the same data', async () => {
  const { before, reconnected } = await snapshot()
  await podman('rm', '--force', '--time', '60', 'omada-controller')
  expect(steps(await repaired(before))).toEqual([
    'somebody else removed or renamed the container',
    'pulled the image',
    'created the container',
    'started the container',
  ])
  expect(await host().appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
  await reconnected()
})

test('the network is removed behind its back, and the container with it: both are made again', async () => {
  const { before, reconnected } = await snapshot()
  await podman('network', 'rm', '--force', '--time', '60', 'omada')
  expect(steps(await repaired(before))).toEqual([
    'somebody else removed or renamed the container',
    'created the network',
    'created the container',
    'started the container',
  ])
  expect((await host().appliance.dataHistory()).slice(-2)).toEqual(['clean-stop', 'clean-start'])
  await reconnected()
})

test('a controller that somebody paused is resumed to be stopped, and its data are clean', async () => {
  const { appliance, machine } = host()
  await podman('pause', 'omada-controller')
  expect(await appliance.systemctl('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await machine.show(hostUnit, 'ActiveState', 'Result')).toEqual({ ActiveState: 'inactive', Result: 'success' })
  expect((await appliance.dataHistory()).at(-1)).toBe('clean-stop')
})
