import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const address = '10.77.10.1'

describe('where the kernel has no IPv6', () => {
  // Such a kernel refuses the address family (ipv6.disable=1); so does this, for every service, and for what they start:
  // the engine, its helpers, the container.
  const host = systemdHost({ lans: { lan10: `${address}/24` } }, async (opened) => {
    opened.machine.write('/etc/systemd/system/service.d/no-ipv6.conf', '[Service]\nRestrictAddressFamilies=~AF_INET6\n')
    await opened.machine.exec(['systemctl', 'daemon-reload'])
    await opened.startAppliance()
  })

  test('everything is served on 0.0.0.0', async () => {
    const sockets = await host().machine.exec(['ss', '-Htln'])
    for (const port of [8043, 8088, 8090, 8843, 29811, 29814, 29817]) expect(sockets).toContain(`0.0.0.0:${port} `)
    expect(sockets).not.toContain('*:8043')
    const { proxy, discovery } = await host().appliance.edgeState()
    expect(proxy.ports.filter((port) => port.state !== 'listening')).toEqual([])
    expect(discovery.listeners.filter((listener) => listener.state !== 'listening')).toEqual([])
  })

  test('the container has no IPv6 either', async () => {
    const { machine } = host()
    const pid = await machine.exec(['podman', 'inspect', '--format', '{{.State.Pid}}', 'omada-controller'])
    const inside = await machine.exec(['nsenter', '--target', pid, '--net', 'ss', '-Htln'])
    for (const port of [8043, 8088, 29814]) expect(inside).toContain(`0.0.0.0:${port} `)
    expect(inside).not.toContain('*:8043')
  })

  test('a device is adopted', async () => {
    const device = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
    expect(await adopt(host().operator, device)).toMatchObject({ address })
  })
})

describe('behind ufw, which lets nothing in by default', () => {
  const host = systemdHost({ lans: { lan10: `${address}/24` } }, async (opened) => {
    opened.machine.write('/etc/default/ufw', opened.machine.read('/etc/default/ufw').replace('IPV6=yes', 'IPV6=no'))
    await opened.machine.exec(['ufw', '--force', 'enable'])
    await opened.startAppliance()
  })
  const netcheck = async () => {
    const { stdout, stderr } = await host().appliance.command(['netcheck'], 120_000)
    return `${stdout}${stderr}`
  }

  test('it keeps the network out, and netcheck names it', async () => {
    // It listens for a while before it says that nothing comes in.
    const told = netcheck()
    const neighbour = await Outpost.open(host().ledger, await host().neighbour('lan10', 30))
    const page = neighbour.call('http', { url: `http://${address}:8090/readyz`, deadlineMilliseconds: 3000 })
    await expect(page).rejects.toThrow()
    const device = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
    await device.event('announced', 30_000, () => device.count('announced') > 2)
    expect((await host().appliance.edgeState()).devices).toEqual([])
    const said = await told
    expect(said).toContain('ufw')
    expect(said).toContain('ufw allow omada-host')
  })

  test('ufw allow omada-host lets it in, and netcheck has nothing to say against it', async () => {
    await host().machine.exec(['ufw', 'allow', 'omada-host'])
    await eventually(
      () => host().operator.device('AA-BB-CC-10-00-11'),
      (known) => known?.state === 'pending',
    )
    const neighbour = await Outpost.open(host().ledger, await host().neighbour('lan10', 31))
    expect((await neighbour.call('http', { url: `http://${address}:8090/readyz` })).status).toBe(200)
    expect((await neighbour.call('http', { url: `https://${address}:8043/login` })).status).toBe(200)
    expect(await netcheck()).not.toContain('ufw allow omada-host')
  })
})
