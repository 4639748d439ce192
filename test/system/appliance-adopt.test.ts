import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Device as SeenDevice } from '../../src/ipc/edge-state.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { Registry } from './support/registry.ts'
import { reportFailures } from './support/report-failures.ts'
import { controllerAddress, TestHost } from './support/test-host.ts'

const lobby = 'AA-BB-CC-10-00-01'
const rack = 'AA-BB-CC-10-00-02'
const uplink = 'AA-BB-CC-10-00-03'

describe('from an image in a registry to adopted devices', () => {
  let host: TestHost
  const devices = new Map<string, Device>()
  const hostAddress = '10.77.10.1'

  beforeAll(async () => {
    host = await TestHost.open({
      lans: { lan10: `${hostAddress}/24` },
      imageStored: false,
      config: { controller: { image: `${Registry.address}/${Registry.repository}:6.2`, pull: 'missing' } },
      // The controller names its own address in its answers, as it is told to do in bridge mode.
      standin: { STANDIN_NAME_ADDRESS: 'true' },
    })
    await host.registry.start()
    await host.registry.push('6.2')
    await host.appliance.start()
  })
  afterAll(() => host?.close())
  test.beforeEach(() => reportFailures(host))

  test('pulls the image and becomes ready', async () => {
    await host.appliance.phase('ready', 90_000)
    const status = await host.appliance.status()
    expect(status.controller.version).toBe('6.2.0.17')
    expect(status.controller.digest).toMatch(/^sha256:/)
    expect(status.controller.address).toBe(controllerAddress)
    expect(await host.podman.inspect('omada-controller', '{{.State.Status}}')).toBe('running')
  })

  test('shows three devices that announce by broadcast', async () => {
    for (const [last, mac, kind, name] of [
      [11, lobby, 'ap', 'Lobby'],
      [12, rack, 'switch', 'Rack'],
      [13, uplink, 'gateway', 'Uplink'],
    ] as const) {
      devices.set(mac, await host.device('lan10', last, { class: kind, mac, name }))
    }
    const seen = () => host.outpost.json<SeenDevice[]>('http://127.0.0.1:8090/api/v1/devices')
    const list = await eventually(seen, (found) => found.length === 3)
    expect(Object.fromEntries(list.map((device) => [device.mac, [device.class, device.name, device.address]]))).toEqual(
      {
        [lobby]: ['ap', 'Lobby', '10.77.10.11'],
        [rack]: ['switch', 'Rack', '10.77.10.12'],
        [uplink]: ['gateway', 'Uplink', '10.77.10.13'],
      },
    )
    expect(new Set(list.map((device) => `${device.ownership} ${device.adoption}`))).toEqual(
      new Set(['factory announcing']),
    )
  })

  test('an adopted device connects to the LAN address that answered it and goes on to inform', async () => {
    const device = devices.get(lobby)
    if (device === undefined) throw new Error('there is no such device')
    expect(await adopt(host.operator, device)).toMatchObject({ address: hostAddress, port: 29814 })
    const preAdopt = await device.event('preAdopt', 30_000)
    expect(preAdopt).toMatchObject({ from: hostAddress, port: 29810, adoptPort: 29814, named: hostAddress })
    // Ten informs over the one connection, and both sides still hold it.
    await device.event('informed', 30_000, (event) => Number(event.count) >= 10)
    const seen = await eventually(
      () => host.appliance.device(lobby),
      (found) => found?.adoption === 'connected',
    )
    expect(seen?.hint).toBeUndefined()
    expect(await host.operator.device(lobby)).toMatchObject({ state: 'connected', connections: 1 })
  })

  test('its connection is counted at the proxy', async () => {
    const { proxy } = await host.appliance.status()
    const management = proxy.ports.find((port) => port.port === 29814)
    expect(management).toMatchObject({ state: 'listening', open: 1, refused: {} })
    expect(management?.bytesIn).toBeGreaterThan(0)
    expect(management?.bytesOut).toBeGreaterThan(0)
  })

  test('a device that was told the address by unicast adopts as well', async () => {
    const mac = 'AA-BB-CC-10-00-04'
    const device = await host.device('lan10', 14, {
      class: 'ap',
      mac,
      name: 'Attic',
      options: ['--inform', hostAddress],
    })
    await adopt(host.operator, device)
    expect(await device.event('preAdopt', 30_000)).toMatchObject({ from: hostAddress, port: 29810 })
  })

  test('the phone app finds the controller on 27001', async () => {
    const app = await host.device('lan10', 15, { class: 'app', mac: 'AA-BB-CC-10-00-05', name: 'Phone' })
    const answer = await app.event('answered', 30_000)
    expect(answer).toMatchObject({ from: hostAddress, port: 27001 })
  })
})
