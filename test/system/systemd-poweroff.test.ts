import { expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

/** What a large site's controller takes to close its database. */
const stopSeconds = 45
/** Long enough to be seen starting by a test that has to wait for its own turn on a busy machine. */
const startSeconds = 20
/** Much longer than a start takes: whoever is ready sooner has not waited for a round of the probes. */
const intervalSeconds = 120
const config = {
  controller: {
    environment: { STANDIN_STOP_SECONDS: String(stopSeconds), STANDIN_START_SECONDS: String(startSeconds) },
  },
  health: { intervalSeconds },
}
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) => opened.startAppliance(config))
const devices: Device[] = []
/** CLOCK_MONOTONIC in seconds: the clock that systemd's own timestamps are of. */
const now = () => Number(process.hrtime.bigint()) / 1e9

test('devices are adopted', async () => {
  for (const last of [11, 12]) {
    const mac = `AA-BB-CC-10-00-${last}`
    const device = await host().device('lan10', last, { class: 'ap', mac, name: `AP ${last}` })
    devices.push(device)
    await adopt(host().operator, device)
  }
})

test('poweroff waits for a controller that takes long to stop: nothing is killed', async () => {
  const started = now()
  await host().powerOff()
  const seconds = now() - started
  console.log(`poweroff took ${(seconds - stopSeconds).toFixed(2)} s more than the controller`)
  expect(seconds).toBeGreaterThan(stopSeconds)
})

/** When the edge said last that it serves, in seconds of systemd's clock. How soon that is, is a figure of the report. */
async function edgeServes(): Promise<number> {
  const at = await host().machine.said(edgeUnit, 'the edge serves')
  const began = await host().machine.stamp('UserspaceTimestampMonotonic')
  console.log(`the edge serves ${(at - began).toFixed(2)} s after systemd began`)
  return at
}

test('at the next boot the edge serves at once, while the controller starts', async () => {
  await host().boot()
  const { appliance, outpost } = host()
  const page = (url: string) => outpost.call('http', { url, deadlineMilliseconds: 5000 }).then(({ status }) => status)
  const answers = async () => [
    await page('https://10.77.10.1:8043/'),
    await page('http://10.77.10.1:8088/'),
    await page('http://10.77.10.1:8090/readyz'),
    (await appliance.edgeState()).discovery.listeners.map(({ state }) => state),
  ]
  const all = await eventually(answers, () => true)
  expect(all).toEqual([503, 503, 503, expect.arrayContaining(['listening'])])
  expect(all.flat()).not.toContain('failed')
})

test('the service is ready soon after its controller, the data are clean, and the same devices are back', async () => {
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
  const ready = await machine.stamp('ActiveEnterTimestampMonotonic', hostUnit)
  console.log(`ready ${(ready - standinReady).toFixed(2)} s after the controller`)
  // It did not wait for the next round of its probes.
  expect(ready - standinReady).toBeLessThan(intervalSeconds / 2)
  expect(await edgeServes()).toBeLessThan(ready)
  expect(await appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
  for (const device of devices) await device.event('connected', 90_000, () => device.count('connected') > 1)
  // Of both boots. The engine was there until the controller had stopped.
  expect(await machine.journal(hostUnit)).not.toMatch(/Failed with result|looking again|did not/)
  expect(await machine.journal()).not.toMatch(/SIGKILL|Killing process/)
})

test('after a power cut it starts by itself, and serves before its controller does', async () => {
  await host().cutPower()
  await host().boot()
  await host().appliance.phase('ready', 90_000)
  await eventually(
    () => host().machine.show(hostUnit, 'ActiveState'),
    (unit) => unit.ActiveState === 'active',
  )
  expect(await edgeServes()).toBeLessThan(await host().machine.stamp('ActiveEnterTimestampMonotonic', hostUnit))
  expect((await host().appliance.dataHistory()).at(-1)).toBe('unclean-start')
})
