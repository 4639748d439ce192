import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { HostEngine } from './support/debian-root.ts'
import { systemdHost } from './support/systemd-fixture.ts'

// A machine without a default route: whatever a VPN's rule takes goes there.
describe.each<HostEngine>(['podman', 'docker'])("a VPN's policy route for all, with %s", (engine) => {
  const host = systemdHost({ engine, lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
    await opened.startAppliance({})
  })
  const run = (line: string) => host().namespace.run(line.split(' '))
  /** What comes before the first comma of a remedy is a command. */
  const follow = (remedy = '') => run(remedy.split(', ')[0] ?? '')
  const warnings = async () =>
    (await host().appliance.hostState()).warnings.filter(({ code }) => code === 'SUBNET_ROUTED')

  test('is told while the controller runs, and the remedy mends it, word for word', async () => {
    await run('ip link add wg0 type bridge')
    await run('ip link set wg0 up')
    await run('ip route add default dev wg0 table 100')
    await run('ip rule add lookup 100 priority 500')
    const [told] = await eventually(warnings, (now) => now.length > 0)
    expect(told).toMatchObject({ message: expect.stringContaining('Linux sends it by wg0 because of route table 100') })
    await follow(told?.remedy)
    await eventually(warnings, (now) => now.length === 0)
    await host().appliance.phase('ready')
  })

  test('is told before a start, which then goes on by itself', async () => {
    const { appliance, machine } = host()
    expect((await appliance.systemctl('stop')).code).toBe(0)
    await run('ip rule del to 10.129.81.0/24 lookup main')
    await machine.exec(['systemctl', 'start', '--no-block', 'omada-host'])
    const { reason } = await appliance.phase('failed')
    expect(reason).toMatchObject({ code: 'SUBNET_ROUTED', message: expect.stringContaining('by wg0') })
    expect((await appliance.command(['doctor'])).stdout).toContain('SUBNET_ROUTED')
    await follow(reason.remedy)
    await appliance.phase('ready', 180_000)
    expect(await warnings()).toEqual([])
  })
})
