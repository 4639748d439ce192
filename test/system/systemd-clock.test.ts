import { X509Certificate } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { HostState } from '../../src/ipc/host-state.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { FalseClock } from './support/false-clock.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const address = '10.77.10.1'
const year = 365 * 24 * 3600
let clock: FalseClock
let device: Device

const host = systemdHost({ lans: { lan10: `${address}/24` } }, async ({ machine, registry, appliance }) => {
  await registry.start()
  await registry.push('6.3')
  await appliance.install({ start: false })
  // Short, so that beats that stay away are seen.
  machine.write(`/etc/systemd/system/${hostUnit}.d/watchdog.conf`, '[Service]\nWatchdogSec=10s\n')
  clock = await FalseClock.install(machine, [hostUnit, edgeUnit])
  appliance.configure({
    controller: { environment: { STANDIN_START_SECONDS: '12' } },
    images: { checkSchedule: '* * * * *' },
  })
})

const state = () => host().appliance.hostState()
const informs = () => Number(device.events('informed').at(-1)?.count ?? 0)
const restarts = async () => [
  (await host().machine.show(hostUnit, 'NRestarts')).NRestarts,
  (await host().machine.show(edgeUnit, 'NRestarts')).NRestarts,
]

/** What a host and its edge say while `work` is done: phases in their order, when images were checked, the longest look. */
async function watched(work: () => Promise<void>) {
  const phases: HostState['phase'][] = []
  const checks = new Set<string>()
  let longest = 0
  let over = false
  const looking = (async () => {
    while (!over) {
      const began = performance.now()
      const [now] = await Promise.all([state(), host().appliance.edgeState()])
      longest = Math.max(longest, performance.now() - began)
      if (now.phase !== phases.at(-1)) phases.push(now.phase)
      if (now.images !== undefined) checks.add(now.images.checkedAt)
      await delay(50)
    }
  })()
  await work().finally(() => {
    over = true
  })
  await looking
  return { phases, checks: [...checks], longestMilliseconds: Math.round(longest) }
}

/** Off by so many years, and so that the next full minute is `seconds` away. */
const off = (years: number, seconds: number) =>
  years * year + ((60 - seconds - (Math.floor(Date.now() / 1000) % 60)) % 60)

/** After the clock was set by so much, everything goes on as if nothing had been. */
async function jumps(offset: number) {
  const { appliance, operator } = host()
  const facts = async () => [await appliance.container(), await restarts(), device.count('disconnected')]
  const isNow = (time = '') => Math.abs(Date.parse(time) - (Date.now() + offset * 1000)) < 60_000
  const [before, { history, images: last }] = [await facts(), await state()]
  // Makes the reconciler look now, and then not for half a minute: its promise of the next look is from before the jump.
  expect((await appliance.command(['start'])).code).toBe(0)
  const began = performance.now()
  const told = await watched(async () => {
    await clock.set(offset)
    const count = informs()
    await eventually(
      async () => informs(),
      (now) => now > count + 3,
    )
    // The probes look as often as ever.
    await operator.fault({ database: 'dead' })
    const degraded = await eventually(state, ({ phase }) => phase === 'degraded')
    expect(degraded.since).toSatisfy(isNow)
    // What was is not told anew.
    expect(degraded.history.slice(0, history.length)).toEqual(history)
    await operator.fault({ database: 'up' })
    await eventually(state, ({ phase }) => phase === 'ready')
    // The schedule goes by the new time: it is time once within the minute.
    const { images } = await eventually(state, ({ images: now }) => now?.checkedAt !== last?.checkedAt, 75_000)
    expect(images?.checkedAt).toSatisfy(isNow)
    expect((await appliance.device(device.mac))?.lastSeen).toSatisfy(isNow)
  })
  console.info(
    `clock set by ${offset} s: longest answer ${told.longestMilliseconds} ms, checks ${told.checks.join(' ')}`,
  )
  // Degraded by the fault above alone, which may have been shorter than the time between two looks.
  expect([['ready'], ['ready', 'degraded', 'ready']]).toContainEqual(told.phases)
  // Once in a minute, and perhaps the one before and one at either end: what was missed is not made up for.
  expect(told.checks.length).toBeLessThanOrEqual(3 + Math.floor((performance.now() - began) / 60_000))
  expect(await facts()).toEqual(before)
}

test('it starts a year behind, as without a real-time clock, and is set right in the middle of the start', async () => {
  const { machine, appliance } = host()
  // A check of the image is due soon after the jump, before the clocks are compared next.
  await clock.set(off(-1, 9))
  const starting = appliance.systemctl('start')
  const behind = await appliance.phase('starting')
  expect(Date.parse(behind.since)).toBeLessThan(Date.now() - (year - 3600) * 1000)
  await clock.set(0)
  expect((await starting).code).toBe(0)
  const ready = await state()
  expect(ready.phase).toBe('ready')
  expect(Math.abs(Date.parse(ready.since) - Date.now())).toBeLessThan(60_000)
  const pem = machine.read('/var/lib/private/omada-host-edge/waiting-room.pem')
  const { validFromDate, validToDate } = new X509Certificate(pem)
  expect(validFromDate.getTime()).toBeLessThan(Date.now())
  expect(validToDate.getTime()).toBeGreaterThan(Date.now() + year * 1000)

  device = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
  await adopt(host().operator, device)
})

test('it jumps a year ahead: sessions, watchdog, probes and schedule go on', () => jumps(off(1, 16)))

test('and a year back', () => jumps(off(0, 16)))
