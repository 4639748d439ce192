import { describe, expect, test } from 'vitest'
import type { HostEngine } from './support/debian-root.ts'
import { systemdHost } from './support/systemd-fixture.ts'

/** Far beyond what the test waits for. */
const graceSeconds = 600

// As 6.3 was seen to do (thread #807 of the image's repository).
describe.each<HostEngine>(['podman', 'docker'])('a controller whose Java goes on, with %s', (engine) => {
  const host = systemdHost({ engine, lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
    await opened.startAppliance({
      controller: { stopGraceSeconds: graceSeconds, environment: { STANDIN_STOP: 'linger' } },
    })
  })

  test('is ended when its database is closed, long before its grace is over, and nothing is lost', async () => {
    const { appliance, machine } = host()
    expect((await appliance.systemctl('stop')).code).toBe(0)
    const journal = await machine.journalctl(['--unit', 'omada-host'])
    expect(journal).toContain('its database was closed, and Java, which went on for 20 s all the same, was ended')
    expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop'])
    expect((await appliance.systemctl('start')).code).toBe(0)
    const { warnings } = await appliance.phase('ready')
    expect(warnings.map(({ code }) => code)).not.toContain('CONTROLLER_KILLED')
  })
})
