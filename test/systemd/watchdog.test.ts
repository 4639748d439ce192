import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { Pulse } from '../../src/core/pulse.ts'
import { createWatchdog, watchdogTimeout } from '../../src/systemd/watchdog.ts'
import { waitFor } from '../support/wait-for.ts'
import { fakeNotifier } from './notifier.ts'

const forever = new AbortController().signal
const lines: string[] = []
const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
let stop: (() => Promise<void>) | undefined
afterEach(async () => stop?.())

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: '90000000' }, 90_000],
  [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '42' }, 90_000],
  [{ WATCHDOG_USEC: '90000000', WATCHDOG_PID: '41' }, undefined],
  [{ WATCHDOG_USEC: '0' }, undefined],
  [{ WATCHDOG_USEC: 'soon' }, undefined],
])('the environment %j means %s ms', (env, expected) => {
  expect(watchdogTimeout(env, 42)).toBe(expected)
})

test('beats while every loop is alive; one that is stuck ends the beats, and is named once', async () => {
  const clock = { ...systemClock, time: 0, now: () => clock.time }
  const loops = ['the reconciler', 'the prober'].map((name) => ({ name, pulse: new Pulse({ clock }) }))
  const { notifier, calls } = fakeNotifier()
  const watchdog = createWatchdog({
    loops: loops.map(({ name, pulse }) => ({ name, dueBy: () => pulse.dueBy })),
    consequence: 'it will be restarted',
    timeoutMilliseconds: 30,
    notifier,
    logger,
    clock,
  })
  stop = () => watchdog.stop(forever)
  await watchdog.start(forever)
  // A loop that has not begun has nothing to do yet.
  await waitFor(() => expect(calls.length).toBeGreaterThan(2))
  expect(new Set(calls)).toEqual(new Set(['watchdog']))

  loops[0]?.pulse.promise(1000)
  loops[1]?.pulse.promise(5000)
  clock.time = 1001
  await waitFor(() => expect(lines.join('')).toContain('the reconciler: no progress'))
  const beats = calls.length
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(calls.length).toBe(beats)
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('the prober')

  loops[0]?.pulse.promise(1000)
  await waitFor(() => expect(calls.length).toBeGreaterThan(beats))
})
