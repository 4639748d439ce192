import { setImmediate as immediately } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ApplianceError } from '../../../src/core/errors.ts'
import type { Engine } from '../../../src/host/engine/engine.ts'
import { gone } from './fake-engine.ts'
import { appliance, forever, up } from './fixture.ts'

describe('an engine', () => {
  test('that is not there yet is waited for', async () => {
    const all = appliance()
    all.engine.away = gone
    await all.reconciler.start(forever)
    await all.clock.until(() => all.reconciler.snapshot().reason.code === 'ENGINE_UNREACHABLE')
    expect(all.lifecycle()).toBe('creating')
    await expect(all.reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    all.engine.away = undefined
    await all.clock.until(() => all.lifecycle() === 'starting', 500)
  })

  test('that goes away leaves the lifecycle as last known, and its return is noticed', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    engine.away = gone
    await clock.until(() => reconciler.snapshot().reason.code === 'ENGINE_UNREACHABLE', 1000)
    expect(lifecycle()).toBe('starting')
    expect(reconciler.snapshot().facts.containerId).toBe('container-1')
    engine.away = undefined
    await clock.until(() => reconciler.snapshot().reason.code === undefined, 500)
    expect(engine.calls).toEqual([])
  })

  test('that goes away during a stop is asked again, with the whole grace, and nothing is killed', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    const gate = Promise.withResolvers<void>()
    engine.stopGate = gate.promise
    const stopped = reconciler.stopController(forever)
    await clock.until(() => engine.calls.length === 1)
    engine.away = gone
    gate.resolve()
    await clock.until(() => true, 0)
    for (let round = 0; round < 20; round += 1) {
      await clock.until(() => true)
      clock.advance(10_000)
    }
    expect(lifecycle()).toBe('stopping')
    engine.away = undefined
    await clock.until(() => lifecycle() === 'stopped', 500)
    await stopped
    expect(engine.calls).toEqual(['stop 120', 'stop 120', 'remove'])
  })

  test('that is away when the appliance ends is waited for, as long as the appliance may', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    engine.away = gone
    await clock.until(() => reconciler.snapshot().reason.code === 'ENGINE_UNREACHABLE', 1000)
    await expect(reconciler.requestStop(forever)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
    const stopped = reconciler.stopController(forever)
    for (let round = 0; round < 10; round += 1) {
      await clock.until(() => true)
      clock.advance(10_000)
    }
    engine.away = undefined
    await clock.until(() => lifecycle() === 'stopped', 500)
    await stopped
    expect(engine.calls).toEqual(['stop 120', 'remove'])
  })

  test('that was never reached does not keep the appliance from ending', async () => {
    const all = appliance({ connect: async () => Promise.reject(new ApplianceError(gone)) })
    await all.reconciler.start(forever)
    await all.clock.until(() => all.reconciler.snapshot().reason.code === 'ENGINE_UNREACHABLE')
    await all.reconciler.stopController(AbortSignal.timeout(10_000))
    await expect(all.reconciler.requestPull(forever)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' })
  })

  test('that was just being looked for when the appliance ends is still asked to stop what runs', async () => {
    const first = await up()
    await first.reconciler.stop()
    const found = Promise.withResolvers<Engine>()
    const second = appliance({ connect: () => found.promise })
    await second.reconciler.start(forever)
    const stopped = second.reconciler.stopController(forever)
    found.resolve(first.engine)
    await stopped
    expect(first.engine.calls).toEqual(['stop 120', 'remove'])
  })
})

describe('what happens behind our back', () => {
  test('a container that was removed is made again', async () => {
    const { engine, clock, name, lifecycle } = await up()
    engine.containers.delete(name)
    engine.tell({ type: 'container', action: 'remove', name })
    await clock.until(() => engine.calls.length === 2)
    expect(engine.calls).toEqual(['create', 'start'])
    await clock.until(() => lifecycle() === 'starting')
  })

  test('a network that was removed is made again', async () => {
    const { engine, clock, config } = await up()
    engine.networks.delete(config.network.name)
    await clock.until(() => engine.calls.length === 1, 1000)
    expect(engine.calls).toEqual(['create-network'])
  })

  test('what happened while the events were not followed is seen as soon as they are', async () => {
    const { engine, clock, name, reconciler } = await up()
    const paused = () => reconciler.snapshot().warnings.some(({ message }) => message.includes('paused'))
    engine.change(name, { status: 'paused' })
    engine.loseEvents()
    await clock.until(paused)
    expect(engine.followed).toBe(false)
    engine.change(name, { status: 'running' })
    const since = clock.now()
    await clock.until(() => !paused(), 50)
    expect(clock.now() - since).toBeLessThan(1000)
  })

  test('a container stopped by somebody else is started again', async () => {
    const { engine, clock, name, lifecycle, history } = await up()
    const before = [...history]
    engine.die(name, 143)
    await clock.until(() => lifecycle() === 'creating', 100)
    await clock.until(() => lifecycle() === 'starting', 100)
    expect(engine.calls).toEqual(['start'])
    expect(history).toEqual([...before, expect.stringContaining('stopped by somebody else'), 'started the container'])
  })

  test.each([137, 143])('a container that ended with %s only to be removed has not died', async (exitCode) => {
    const { engine, clock, name, lifecycle, history } = await up()
    const before = [...history]
    engine.die(name, exitCode)
    for (let round = 0; round < 20; round += 1) await immediately()
    clock.advance(500)
    engine.containers.delete(name)
    engine.tell({ type: 'container', action: 'remove', name })
    await clock.until(() => engine.calls.length === 2, 100)
    await clock.until(() => lifecycle() === 'starting')
    expect(history).toEqual([
      ...[...before, 'somebody else removed or renamed the container'],
      ...['created the container', 'started the container'],
    ])
  })

  test('a request does not wait for what comes of an end', async () => {
    const { engine, clock, name, reconciler } = await up()
    engine.die(name, 143)
    for (let round = 0; round < 20; round += 1) await immediately()
    const since = clock.now()
    await reconciler.requestStop(forever)
    expect(clock.now()).toBe(since)
    expect(engine.calls).toEqual([])
  })

  test('the end of the appliance alone leaves the container running', async () => {
    const { engine, name, reconciler } = await up()
    await reconciler.stop()
    expect(engine.containers.get(name)?.status).toBe('running')
    expect(engine.calls).toEqual([])
  })
})
