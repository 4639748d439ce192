import { describe, expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

// Shorter than the 45 s that a large site takes, but longer than the 10 s after which an engine kills by default.
const stopSeconds = 20

describe('with a controller that takes long to stop', () => {
  const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) =>
    opened.startAppliance({ controller: { environment: { STANDIN_STOP_SECONDS: String(stopSeconds) } } }),
  )
  const devices: Device[] = []
  const journal = () => host().machine.journal()
  const running = () =>
    host().machine.exec(['podman', 'ps', '--all', '--format', '{{.Names}} {{.State}} {{.ExitCode}}'])

  test('systemctl stop waits for it: the data are clean, nothing is killed, the units are inactive', async () => {
    const { appliance, machine } = host()
    const started = performance.now()
    expect(await appliance.systemctl('stop')).toEqual({ code: 0, stdout: '', stderr: '' })
    const seconds = (performance.now() - started) / 1000
    expect(seconds).toBeGreaterThan(stopSeconds)
    // Of its own the service adds a second at most; the rest is for a busy machine.
    expect(seconds).toBeLessThan(stopSeconds + 5)
    const ended = { ActiveState: 'inactive', Result: 'success' }
    expect(await machine.show(hostUnit, 'ActiveState', 'Result')).toEqual(ended)
    // Ended by systemd once the host has, which systemctl does not wait for.
    await eventually(
      () => machine.show(edgeUnit, 'ActiveState', 'Result'),
      (unit) => unit.ActiveState === 'inactive',
    )
    expect(await machine.show(edgeUnit, 'ActiveState', 'Result')).toEqual(ended)
    expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop'])
    expect(await running()).not.toMatch(/omada-controller running/)
    expect(await journal()).not.toMatch(/SIGKILL|Killing process/)
  })

  test('it starts again, and devices are adopted', async () => {
    expect((await host().appliance.systemctl('start')).code).toBe(0)
    for (const last of [11, 12]) {
      const device = await host().device('lan10', last, {
        class: 'ap',
        mac: `AA-BB-CC-10-00-${last}`,
        name: `AP ${last}`,
      })
      devices.push(device)
      await eventually(
        () => host().operator.device(device.mac),
        (known) => known?.state === 'pending',
      )
      await host().operator.adopt(device.mac)
      await device.event('connected', 30_000)
    }
  })

  test('poweroff waits for it as well, and the next boot brings everything back by itself', async () => {
    const { appliance } = host()
    const started = performance.now()
    await host().powerOff()
    expect((performance.now() - started) / 1000).toBeGreaterThan(stopSeconds)

    await host().boot()
    await appliance.phase('ready', 90_000)
    expect(await appliance.dataHistory()).toEqual([
      'first-start',
      'clean-stop',
      'clean-start',
      'clean-stop',
      'clean-start',
    ])
    for (const device of devices) await device.event('connected', 90_000, () => device.count('connected') > 1)
    await eventually(
      () => host().machine.show(hostUnit, 'ActiveState'),
      (unit) => unit.ActiveState === 'active',
    )
    // Of both boots.
    expect(await journal()).not.toMatch(/SIGKILL|Killing process/)
  })

  test('after a power cut it starts by itself', async () => {
    await host().cutPower()
    await host().boot()
    await host().appliance.phase('ready', 90_000)
    expect((await host().appliance.dataHistory()).at(-1)).toBe('unclean-start')
  })
})
