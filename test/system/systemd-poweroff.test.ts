import { expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

/** What a large site's controller takes to close its database. */
const stopSeconds = 45
// The interval of the probes is the appliance's own.
const config = {
  controller: { environment: { STANDIN_STOP_SECONDS: String(stopSeconds), STANDIN_START_SECONDS: '4' } },
  health: { intervalSeconds: 15 },
}
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) => opened.startAppliance(config))
const devices: Device[] = []
/** CLOCK_MONOTONIC in seconds: the clock that systemd's own timestamps are of. */
const now = () => Number(process.hrtime.bigint()) / 1e9
const stamp = async (property: string, unit?: string) => {
  const of = unit === undefined ? [] : [unit]
  return Number(await host().machine.exec(['systemctl', 'show', ...of, `--property=${property}`, '--value'])) / 1e6
}

test('devices are adopted', async () => {
  for (const last of [11, 12]) {
    const mac = `AA-BB-CC-10-00-${last}`
    const device = await host().device('lan10', last, { class: 'ap', mac, name: `AP ${last}` })
    devices.push(device)
    await eventually(
      () => host().operator.device(mac),
      (known) => known?.state === 'pending',
    )
    await host().operator.adopt(mac)
    await device.event('connected', 30_000)
  }
})

test('poweroff waits for a controller that takes long to stop: nothing is killed', async () => {
  const started = now()
  await host().powerOff()
  const seconds = now() - started
  console.log(`poweroff took ${(seconds - stopSeconds).toFixed(2)} s more than the controller`)
  expect(seconds).toBeGreaterThan(stopSeconds)
})

/** How long after systemd began the edge said that it serves, in seconds. */
const served: number[] = []
async function edgeServes(): Promise<void> {
  const journal = await host().machine.journal(edgeUnit)
  const line = journal.split('\n').findLast((candidate) => candidate.includes('the edge serves'))
  const [, at] = /^\[\s*([\d.]+)\]/.exec(line ?? '') ?? []
  served.push(Number(at) - (await stamp('UserspaceTimestampMonotonic')))
}

test('at the next boot the edge serves at once, while the controller starts', async () => {
  await host().boot()
  const { appliance, outpost } = host()
  const page = (url: string) => outpost.call('http', { url, deadlineMilliseconds: 1000 }).then(({ status }) => status)
  const answers = async () => [
    await page('https://10.77.10.1:8043/'),
    await page('http://10.77.10.1:8088/'),
    await page('http://10.77.10.1:8090/readyz'),
    (await appliance.edgeState()).discovery.listeners.map(({ state }) => state),
  ]
  const all = await eventually(answers, () => true)
  expect(all).toEqual([503, 503, 503, expect.arrayContaining(['listening'])])
  expect(all.flat()).not.toContain('failed')
  await edgeServes()
})

test('the service is ready within 3 s of its controller, the data are clean, and the same devices are back', async () => {
  const { appliance, machine, operator } = host()
  await eventually(
    () => operator.health(),
    (health) => health.ready,
    90_000,
  )
  const standinReady = now()
  await appliance.phase('ready', 60_000)
  await eventually(
    () => machine.show(hostUnit, 'ActiveState'),
    (unit) => unit.ActiveState === 'active',
  )
  const seconds = (await stamp('ActiveEnterTimestampMonotonic', hostUnit)) - standinReady
  console.log(`ready ${seconds.toFixed(2)} s after the controller`)
  expect(seconds).toBeLessThanOrEqual(3)
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
  for (const device of devices) await device.event('connected', 90_000, () => device.count('connected') > 1)
  // Of both boots. The engine was there until the controller had stopped.
  expect(await machine.journal(hostUnit)).not.toMatch(/Failed with result|looking again|did not/)
  expect(await machine.journal()).not.toMatch(/SIGKILL|Killing process/)
})

test('after a power cut it starts by itself, and from boot to serving it takes 3 s at most', async () => {
  await host().cutPower()
  await host().boot()
  await host().appliance.phase('ready', 90_000)
  await edgeServes()
  console.log(`the edge serves ${served.map((seconds) => seconds.toFixed(2)).join(', ')} s after systemd began`)
  // What else the machine does at that time only adds to it.
  expect(Math.min(...served)).toBeLessThanOrEqual(3)
  expect((await host().appliance.dataHistory()).at(-1)).toBe('unclean-start')
})
