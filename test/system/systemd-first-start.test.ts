import { expect, test } from 'vitest'
import { systemdHost } from './support/systemd-fixture.ts'

// A LAN where the appliance would put its container's network.
const host = systemdHost({ lans: { lan10: '10.129.81.7/24' } }, async (opened) => {
  await opened.startAppliance({})
})

const shown = async () => {
  const { stdout } = await host().appliance.command(['config', 'show', '--json'])
  const keys = JSON.parse(stdout) as { path: string; value: unknown; source: string }[]
  return Object.fromEntries(keys.map(({ path, value }) => [path, value]))
}

test('the first start takes a network that is free, and says so', async () => {
  const { appliance, machine } = host()
  const { controller, history } = await appliance.hostState()
  expect(controller.address).toBe('10.211.81.10')
  const because = 'created the network 10.211.81.0/24: 10.129.81.0/24 overlaps the route to 10.129.81.0/24 by lan10'
  expect(history.map(({ message }) => message)).toContain(because)
  expect(await machine.journal()).toContain(because)
  expect(await shown()).toMatchObject({
    'controller.image': 'docker.io/mbentley/omada-controller:6.3',
    'network.subnet': '10.211.81.0/24',
    'network.controllerAddress': '10.211.81.10',
  })
})

test('it keeps it, and the image, when that network is free again and over restarts and reloads', async () => {
  const { appliance, machine, namespace } = host()
  await namespace.run(['ip', 'address', 'delete', '10.129.81.7/24', 'dev', 'lan10'])
  const container = await appliance.container()
  expect((await appliance.systemctl('reload')).code).toBe(0)
  expect((await appliance.hostState()).warnings.map(({ code }) => code)).not.toContain('RESTART_PENDING')
  await machine.exec(['systemctl', 'kill', '--signal=KILL', 'omada-host'])
  await appliance.phase('ready', 120_000)
  expect(await appliance.container()).toBe(container)
  expect((await appliance.systemctl('stop')).code).toBe(0)
  expect((await appliance.systemctl('start')).code).toBe(0)
  expect((await appliance.phase('ready')).controller.address).toBe('10.211.81.10')
  const { stdout } = await appliance.command(['doctor'])
  expect(stdout).toContain('10.211.81.0/24 overlaps none')
})
