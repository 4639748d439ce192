import { describe, expect, test } from 'vitest'
import { ApplianceError } from '../../../src/core/errors.ts'
import { Reconciler } from '../../../src/host/controller/reconciler.ts'
import type { MachineNames } from '../../../src/linux/name-servers.ts'
import { gone } from './fake-engine.ts'
import { appliance, forever, machine, silent, started, up } from './fixture.ts'

describe('the user', () => {
  test('stops it with the grace; it stays stopped until started', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    await reconciler.requestStop(forever)
    expect(engine.calls).toEqual(['stop 120'])
    expect(lifecycle()).toBe('stopped')
    for (let round = 0; round < 20; round += 1) {
      await clock.until(() => true)
      clock.advance(60_000)
    }
    expect(engine.calls).toEqual(['stop 120'])
    await reconciler.requestStart(forever)
    expect(engine.calls).toEqual(['stop 120', 'start'])
  })

  test('restarts it: the same container when the image is the same', async () => {
    const { engine, reconciler } = await up()
    await reconciler.requestRestart(forever)
    expect(engine.calls).toEqual(['stop 120', 'start'])
  })

  test('pulls a newer image while it runs, and takes it with a restart', async () => {
    const { engine, reconciler, config, lifecycle } = await up()
    engine.registry.set(config.controller.image, { id: 'image-2', architecture: 'amd64', digests: ['sha256:2'] })
    const { message } = await reconciler.requestPull(forever)
    expect(message).toContain('omada-host restart')
    expect(lifecycle()).toBe('starting')
    expect(engine.calls).toEqual(['pull'])
    await reconciler.requestRestart(forever)
    expect(engine.calls).toEqual(['pull', 'stop 120', 'remove', 'create', 'start'])
    expect(reconciler.snapshot().facts.digest).toBe('sha256:2')
  })

  test('with pull: always gets the newer image at a restart, and keeps what runs at an attach', async () => {
    const { engine, reconciler, config } = await up({ config: { controller: { pull: 'always' } } })
    engine.registry.set(config.controller.image, { id: 'image-2', architecture: 'amd64', digests: ['sha256:2'] })
    await reconciler.requestRestart(forever)
    expect(engine.calls).toEqual(['pull', 'stop 120', 'remove', 'create', 'start'])
  })

  test('with pull: always and a registry that is down, gets the image at hand', async () => {
    const { engine, reconciler } = await up({ config: { controller: { pull: 'always' } } })
    engine.pullFaults = [{ code: 'REGISTRY_UNREACHABLE', message: 'down', remedy: '-' }]
    await reconciler.requestRestart(forever)
    expect(engine.calls).toEqual(['pull', 'stop 120', 'start'])
  })

  test('who stops during a pull is not kept waiting for it', async () => {
    const { engine, clock, lifecycle, reconciler } = await started()
    engine.pullGate = new Promise(() => {})
    await clock.until(() => lifecycle() === 'pulling')
    await reconciler.requestStop(forever)
    expect(lifecycle()).toBe('stopped')
    expect(reconciler.snapshot().facts.pull).toBeUndefined()
  })

  test('who gives up waiting for a stop does no harm: it goes on', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    const gate = Promise.withResolvers<void>()
    engine.stopGate = gate.promise
    const giveUp = new AbortController()
    const stop = reconciler.requestStop(giveUp.signal)
    await clock.until(() => lifecycle() === 'stopping')
    giveUp.abort()
    await expect(stop).rejects.toThrow()
    expect(lifecycle()).toBe('stopping')
    gate.resolve()
    await clock.until(() => lifecycle() === 'stopped')
    expect(engine.calls).toEqual(['stop 120'])
  })

  test('who asks for a start during a stop gets it after the stop', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    const gate = Promise.withResolvers<void>()
    engine.stopGate = gate.promise
    const stop = reconciler.requestStop(forever)
    await clock.until(() => lifecycle() === 'stopping')
    const start = reconciler.requestStart(forever)
    gate.resolve()
    // Whoever stopped it must not take it for stopped.
    await expect(stop).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
    await start
    expect(engine.calls).toEqual(['stop 120', 'start'])
  })

  test('who asks for a restart is not told that it came about when it is stopped instead', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    const gate = Promise.withResolvers<void>()
    engine.stopGate = gate.promise
    const restart = reconciler.requestRestart(forever)
    await clock.until(() => lifecycle() === 'stopping')
    const stop = reconciler.requestStop(forever)
    gate.resolve()
    await expect(restart).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
    await stop
    expect(engine.calls).toEqual(['stop 120'])
  })

  test('who asks for a start does not undo a restart that waits for its image', async () => {
    const { engine, clock, reconciler } = await up({ config: { controller: { pull: 'always' } } })
    const gate = Promise.withResolvers<void>()
    engine.pullGate = gate.promise
    const restart = reconciler.requestRestart(forever)
    await clock.until(() => engine.calls.includes('pull'))
    const start = reconciler.requestStart(forever)
    gate.resolve()
    await Promise.all([restart, start])
    expect(engine.calls).toContain('stop 120')
  })

  test('cannot start or restart it while the appliance ends', async () => {
    const { engine, clock, lifecycle, reconciler } = await up()
    const gate = Promise.withResolvers<void>()
    engine.stopGate = gate.promise
    const end = reconciler.stopController(forever)
    await clock.until(() => lifecycle() === 'stopping')
    await expect(reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
    await expect(reconciler.requestRestart(forever)).rejects.toMatchObject({ code: 'COMMAND_REFUSED' })
    gate.resolve()
    await end
    expect(engine.calls).toEqual(['stop 120', 'remove'])
  })

  test('gets the reason when a start fails', async () => {
    const { engine, reconciler, config } = await up()
    await reconciler.requestStop(forever)
    engine.images.clear()
    engine.registry.delete(config.controller.image)
    await expect(reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })
})

describe('a pull', () => {
  test('is tried again while the registry is down, and says so', async () => {
    const all = appliance()
    all.engine.pullFaults = [
      { code: 'REGISTRY_UNREACHABLE', message: 'down', remedy: '-' },
      { code: 'IMAGE_PULL_FAILED', message: 'cut short', remedy: '-' },
    ]
    await all.reconciler.start(forever)
    await all.clock.until(() => all.reconciler.snapshot().reason.code === 'REGISTRY_UNREACHABLE')
    expect(all.lifecycle()).toBe('pulling')
    await all.clock.until(() => all.lifecycle() === 'starting', 500)
    expect(all.snapshots.some(({ facts }) => facts.pull?.attempt === 3)).toBe(true)
  })

  test('that a user asks for and gives up waiting for takes nothing from the one under way', async () => {
    const { engine, clock, reconciler } = await started()
    engine.pullFaults = [{ code: 'REGISTRY_UNREACHABLE', message: 'down', remedy: '-' }]
    const told = () => reconciler.snapshot().reason.code
    await clock.until(() => told() === 'REGISTRY_UNREACHABLE')
    engine.pullGate = new Promise(() => {})
    const giveUp = new AbortController()
    const pull = reconciler.requestPull(giveUp.signal)
    giveUp.abort()
    await expect(pull).rejects.toThrow()
    expect(told()).toBe('REGISTRY_UNREACHABLE')
  })

  test('that a user asks for is tried at once, though the one under way waits for its next try', async () => {
    const { engine, clock, lifecycle, reconciler } = await started()
    engine.pullFaults = Array.from({ length: 4 }, () => ({
      code: 'REGISTRY_UNREACHABLE',
      message: 'down',
      remedy: '-',
    }))
    await clock.until(() => engine.pullFaults.length === 3)
    const pull = reconciler.requestPull(forever)
    await clock.until(() => engine.pullFaults.length === 2)
    engine.pullFaults = []
    // Its own second try is within seconds; what was under way goes on with it.
    await clock.until(() => lifecycle() === 'starting', 1)
    await expect(pull).resolves.toMatchObject({ message: expect.stringContaining('up to date') })
  })

  test('of an unknown tag is not tried again until the user asks', async () => {
    const all = appliance()
    all.engine.registry.clear()
    await all.reconciler.start(forever)
    await all.clock.until(() => all.lifecycle() === 'failed')
    for (let round = 0; round < 30; round += 1) {
      await all.clock.until(() => true)
      all.clock.advance(60_000)
    }
    expect(all.engine.calls).toEqual(['pull'])
    await expect(all.reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect(all.engine.calls).toEqual(['pull', 'pull'])
  })

  test('never done when controller.pull is never', async () => {
    const { engine, clock, lifecycle, reconciler } = await started({ config: { controller: { pull: 'never' } } })
    await clock.until(() => lifecycle() === 'failed')
    expect(reconciler.snapshot().reason.code).toBe('IMAGE_MISSING')
    expect(engine.calls).toEqual([])
  })
})

test('a stop that is asked for while a pass judges what runs is not taken for done by it', async () => {
  const names = Promise.withResolvers<MachineNames>()
  const first = await up()
  await first.reconciler.stop()
  const { engine, clock, snapshots, reconciler } = await started({
    engine: first.engine,
    machine: { names: () => names.promise },
  })
  await clock.until(() => reconciler.snapshot().facts.containerId !== undefined)
  const stop = reconciler.requestStop(forever)
  names.resolve({ servers: [], served: false })
  await stop
  expect(engine.calls).toEqual(['stop 120'])
  const told = snapshots.map((snapshot) => snapshot.lifecycle)
  expect(told.slice(told.indexOf('stopping'))).toEqual(['stopping', 'stopped'])
  expect(told.indexOf('stopped')).toBe(told.length - 1)
})

describe('without a reconciler that could be asked', () => {
  const alone = (options: Parameters<typeof appliance>[0] = {}) => {
    const { config, engine, clock, memory: recordFile } = appliance(options)
    const connect = options.connect ?? (async () => engine)
    const parts = { config, live: () => config, clock, connect, logger: silent, machine, version: '1.0.0', recordFile }
    return { engine, stopped: Reconciler.stopController(parts, forever) }
  }

  test.each([
    ['runs is stopped with its grace', 'running', ['stop 120', 'remove']],
    ['ended is not started', 'exited', ['remove']],
  ] as const)('a controller that %s, and its container is removed', async (_, status, calls) => {
    const first = await up()
    await first.reconciler.stop()
    first.engine.change(first.name, { status })
    const { engine, stopped } = alone({ engine: first.engine })
    expect(await stopped).toBe(true)
    expect(engine.calls).toEqual(calls)
  })

  test('nothing is left to do where no engine answers, but whether the controller runs is not known', async () => {
    const { stopped } = alone({ connect: async () => Promise.reject(new ApplianceError(gone)) })
    await expect(stopped).resolves.toBe(false)
  })

  test('a stop that fails is told', async () => {
    const first = await up()
    await first.reconciler.stop()
    first.engine.remove = async () => {
      throw new ApplianceError({ code: 'ENGINE_REQUEST', message: 'no', remedy: '-' })
    }
    await expect(alone({ engine: first.engine }).stopped).rejects.toMatchObject({ code: 'ENGINE_REQUEST' })
  })
})
