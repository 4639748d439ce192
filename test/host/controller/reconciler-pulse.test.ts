import { expect, test } from 'vitest'
import { appliance, forever } from './fixture.ts'

const hour = 3_600_000
test('a reconciler that rests and looks again is alive, hour after hour', async () => {
  const { clock, ready, lifecycle, reconciler } = appliance()
  await reconciler.start(forever)
  await clock.until(() => lifecycle() === 'starting')
  ready.now = true
  const end = clock.now() + hour
  let late = 0
  await clock.until(() => {
    if (reconciler.pulse.dueBy < clock.now()) late += 1
    return clock.now() > end
  }, 1000)
  expect(late).toBe(0)
})

test('one whose pass never comes back is overdue, though the clock runs on', async () => {
  const { engine, clock, lifecycle, reconciler } = appliance()
  await reconciler.start(forever)
  await clock.until(() => lifecycle() === 'starting')
  engine.network = (_name, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  await clock.until(() => reconciler.pulse.dueBy < clock.now(), 10_000)
})

test('a stop has its grace, and a pull its time between two tries', async () => {
  const { engine, clock, lifecycle, reconciler } = appliance()
  engine.pullFaults = Array.from({ length: 30 }, () => ({ code: 'REGISTRY_UNREACHABLE', message: 'down', remedy: '-' }))
  await reconciler.start(forever)
  let late = 0
  const alive = (until: () => boolean) =>
    clock.until(() => {
      if (reconciler.pulse.dueBy < clock.now()) late += 1
      return until()
    }, 5000)
  await alive(() => lifecycle() === 'starting')
  const gate = Promise.withResolvers<void>()
  engine.stopGate = gate.promise
  const stopped = reconciler.requestStop(forever)
  const end = clock.now() + 130_000
  await alive(() => clock.now() > end)
  gate.resolve()
  await alive(() => lifecycle() === 'stopped')
  await stopped
  expect(late).toBe(0)
})
