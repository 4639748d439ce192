import { expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) => opened.startAppliance())
const login = async () => (await host().outpost.call('http', { url: 'https://10.77.10.1:8043/login' })).status
const page = () =>
  login().then(
    (status) => status,
    () => undefined,
  )
const containerAddress = () =>
  host().machine.exec([
    'podman',
    'inspect',
    '--format',
    '{{.NetworkSettings.Networks.omada.IPAddress}}',
    'omada-controller',
  ])
let device: Device | undefined

/** Kills the edge, and returns when another one has its device. */
async function killEdge(): Promise<void> {
  const known = device ?? expect.fail('there is no device')
  const before = known.count('connected')
  await host().machine.exec(['systemctl', 'kill', '--signal=KILL', edgeUnit])
  await eventually(
    async () => known.count('connected'),
    (count) => count > before,
  )
}

test('a device is adopted', async () => {
  device = await host().device('lan10', 20, { class: 'ap', mac: 'AA-BB-CC-00-10-01', name: 'in-force' })
  await adopt(host().operator, device)
})

test('an edge that comes back between a reload and the restart serves the container that runs', async () => {
  const { appliance } = host()
  const before = await appliance.container()
  appliance.configure({ network: { controllerAddress: '10.129.81.20' } })
  expect((await appliance.systemctl('reload')).code).toBe(0)
  await killEdge()
  await eventually(page, (status) => status === 200)
  expect(await appliance.container()).toBe(before)
  expect(await containerAddress()).toBe('10.129.81.10')
  expect((await appliance.hostState()).controller.address).toBe('10.129.81.10')
  appliance.configure()
  expect((await appliance.systemctl('reload')).code).toBe(0)
})

test('an edge comes back while the host is away, and serves what was in force last', async () => {
  const { machine, appliance } = host()
  // Else nobody would know later that a controller was in this place.
  await eventually(
    () => appliance.hostState(),
    ({ history }) => history.some(({ message }) => message?.startsWith('noted that the controller')),
  )
  machine.write(`/etc/systemd/system/${hostUnit}.d/test.conf`, '[Service]\nRestartSec=1min\nRestartSteps=0\n')
  await machine.exec(['systemctl', 'daemon-reload'])
  await machine.exec(['systemctl', 'kill', '--signal=KILL', hostUnit])
  await killEdge()
  // Nobody told it meanwhile.
  expect(await machine.show(hostUnit, 'ActiveState')).toEqual({ ActiveState: 'activating' })
  expect(await machine.show(edgeUnit, 'StatusText')).toEqual({ StatusText: 'Serving' })
  await machine.exec(['rm', `/etc/systemd/system/${hostUnit}.d/test.conf`])
  await machine.exec(['systemctl', 'daemon-reload'])
  expect((await appliance.systemctl('restart')).code).toBe(0)
})

test('the restart gives a container its new address, and the edge, which runs on, follows', async () => {
  const { appliance, machine } = host()
  const edge = await machine.show(edgeUnit, 'MainPID')
  // The controller refuses data that another address has been written into.
  appliance.configure({ network: { controllerAddress: '10.129.81.20' }, controller: { dataVolume: 'omada-other' } })
  expect((await appliance.systemctl('restart')).code).toBe(0)
  // No controller begins anew where another one was, and the one that runs runs on, until the user says that it is meant.
  await eventually(
    () => appliance.hostState(),
    ({ phase, warnings }) => phase === 'ready' && warnings.some(({ code }) => code === 'DATA_CHANGED'),
  )
  expect(await containerAddress()).toBe('10.129.81.10')
  expect(await appliance.command(['acknowledge', 'DATA_CHANGED'], 150_000)).toMatchObject({ code: 0 })
  expect(await containerAddress()).toBe('10.129.81.20')
  await eventually(page, (status) => status === 200)
  expect(await machine.show(edgeUnit, 'MainPID')).toEqual(edge)
})

test('after a stop, and a change, the edge starts with the change', async () => {
  const { appliance } = host()
  expect((await appliance.systemctl('stop')).code).toBe(0)
  appliance.configure({
    status: { port: 8091 },
    network: { controllerAddress: '10.129.81.20' },
    controller: { dataVolume: 'omada-other' },
  })
  expect((await appliance.systemctl('start')).code).toBe(0)
  const state = await eventually(
    () => appliance.edgeState(),
    ({ status }) => status.state === 'listening',
  )
  expect(state.status.port).toBe(8091)
  expect(state.warnings.filter(({ code }) => code === 'RESTART_PENDING')).toEqual([])
})
