import { expect, test } from 'vitest'
import { appliance, forever } from './fixture.ts'

test('a step that fails is tried again with backoff, whatever events the trying itself causes', async () => {
  const { engine, clock, lifecycle, reconciler, name } = appliance()
  // The engine tells of what it is asked to do while it does it.
  const { start } = engine
  engine.start = async (...parameters) => {
    engine.tell({ type: 'container', action: 'init', name })
    await new Promise((resolve) => setImmediate(resolve))
    await start.apply(engine, parameters)
  }
  engine.startFault = { code: 'ENGINE_REQUEST', message: 'the address is taken', remedy: '-' }
  await reconciler.start(forever)
  await clock.until(() => lifecycle() === 'failed')
  const starts = () => engine.calls.filter((call) => call === 'start').length
  const before = starts()
  expect(before).toBe(1)
  for (let round = 0; round < 50; round += 1) {
    engine.tell({ type: 'container', action: 'create', name })
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(starts()).toBe(before)
  engine.startFault = undefined
  await clock.until(() => lifecycle() === 'starting', 500)
  // Once it works, events count again.
  engine.die(name, 1)
  await clock.until(() => lifecycle() !== 'starting')
})
