import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { Outpost } from './support/outpost.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

describe('a host with three VLANs', () => {
  let host: TestHost
  let guest: Outpost
  let office: Outpost

  beforeAll(async () => {
    host = await TestHost.open({
      lans: { vlan10: '10.77.10.1/24', vlan20: '10.77.20.1/24', vlan30: '10.77.30.1/24' },
      config: {
        access: { devices: ['vlan10', 'vlan20'], management: ['vlan10'], guests: ['vlan30'] },
        // Longer than the machine may pause between the two halves of an announce that goes to both broadcast addresses.
        discovery: { duplicateWindowMilliseconds: 60_000 },
      },
    })
    guest = await Outpost.open(host.ledger, await host.neighbour('vlan30', 50))
    office = await Outpost.open(host.ledger, await host.neighbour('vlan10', 50))
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
  })
  afterAll(async () => {
    guest?.close()
    office?.close()
    await host?.close()
  })
  test.beforeEach(() => reportFailures(host))

  test.each([
    ['vlan10', 11, 'AA-BB-CC-20-00-01', [], '10.77.10.1'],
    ['vlan20', 12, 'AA-BB-CC-20-00-02', [], '10.77.20.1'],
    // Told the address of the other VLAN: the answer comes from the address that it addressed.
    ['vlan20', 13, 'AA-BB-CC-20-00-03', ['--inform', '10.77.10.1'], '10.77.10.1'],
  ] as const)('a device on %s (.%i) adopts', async (lan, last, mac, options, answeredBy) => {
    const device = await host.device(lan, last, { class: 'ap', mac, name: mac, options })
    expect(await adopt(host.operator, device)).toMatchObject({ address: answeredBy })
    expect(await device.event('preAdopt', 30_000)).toMatchObject({ from: answeredBy, port: 29810 })
  })

  test('an announce sent to both broadcast addresses reaches the controller once', async () => {
    const mac = 'AA-BB-CC-20-00-04'
    const device = await host.device('vlan10', 14, {
      class: 'ap',
      mac,
      name: 'Twice',
      options: ['--broadcast', 'both', '--announce-seconds', '2'],
    })
    await device.event('announced', 60_000, () => device.count('announced') >= 8)
    await device.child.stop('SIGTERM', 10_000)
    const perAddress = new Map<string, number>()
    for (const { to } of device.events('announced')) perAddress.set(String(to), (perAddress.get(String(to)) ?? 0) + 1)
    const announces = perAddress.get('255.255.255.255:29810')
    expect(perAddress.get('10.77.10.255:29810')).toBe(announces)
    await eventually(host.operator.stats.bind(host.operator), (stats) => stats.discovery.byMac[mac] === announces)
    expect((await host.appliance.device(mac))?.announces).toBe(announces)
  })

  test('guests reach the portal ports', async () => {
    expect((await guest.call('http', { url: 'https://10.77.30.1:8843/' })).status).toBeLessThan(500)
    expect((await guest.call('http', { url: 'http://10.77.30.1:8088/' })).status).toBeLessThan(500)
  })

  test.each(['10.77.30.1', '10.77.10.1', '10.77.20.1'])('guests reach nothing else at %s', async (address) => {
    for (const url of [`https://${address}:8043/login`, `http://${address}:8090/`]) {
      await expect(guest.call('http', { url }), url).rejects.toThrow(/hang up|ECONNRE|disconnected/)
    }
    for (const port of [29811, 29814, 29815]) {
      const { result } = await guest.call('hold', { address, port })
      expect(result, `${address}:${port}`).not.toBe('secured')
    }
  })

  test("a guest's announce does not reach the controller", async () => {
    const mac = 'AA-BB-CC-20-00-05'
    const device = await host.device('vlan30', 15, { class: 'ap', mac, name: 'Rogue' })
    const refused = async () => (await host.appliance.edgeState()).discovery.outcomes.refused ?? 0
    const before = await refused()
    await device.event('announced', 30_000, () => device.count('announced') >= 3)
    await eventually(refused, (after) => after > before)
    const { discovery } = await host.operator.stats()
    expect(discovery.byMac[mac]).toBeUndefined()
    expect(await host.appliance.device(mac)).toBeUndefined()
  })

  test('management is served to its own VLAN and to nobody else', async () => {
    expect((await office.call('http', { url: 'https://10.77.10.1:8043/login' })).status).toBe(200)
    expect((await office.call('http', { url: 'http://10.77.10.1:8090/readyz' })).status).toBe(200)
    const refused = (await host.appliance.status()).proxy.ports.map((port) => Object.values(port.refused))
    expect(refused.flat().some((count) => count > 0)).toBe(true)
  })
})
