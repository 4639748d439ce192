import { setImmediate as immediately } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { labels } from '../../../src/host/controller/spec.ts'
import { forever, up } from './fixture.ts'

/** A controller that runs, and somebody who changes what its engine has and is noticed at once. */
async function scene() {
  const all = await up()
  const { engine, clock, name, reconciler, history } = all
  const before = history.length
  const container = () => {
    const found = engine.containers.get(name)
    if (found === undefined) throw new Error('there is no container')
    return found
  }
  return {
    ...all,
    container,
    since: () => history.slice(before),
    warnings: () => reconciler.snapshot().warnings.map(({ code }) => code),
    /** The container is another one now, with the labels of the first: so do Watchtower and its like. */
    replace: (imageId: string) => {
      engine.containers.set(name, { ...container(), id: 'container-of-others', imageId })
      engine.tell({ type: 'container', action: 'start', name })
    },
    until: (condition: () => boolean) => clock.until(condition, 100),
  }
}

describe('what somebody else does', () => {
  test('to put another container in the place of ours is told, and undone by a restart', async () => {
    const { engine, reconciler, replace, since, warnings, until } = await scene()
    replace('image-2')
    await until(() => warnings().length > 0)
    expect(since()).toEqual(['somebody else removed the container and made another'])
    expect(reconciler.snapshot().warnings).toEqual([
      {
        code: 'CONTAINER_REPLACED',
        message: expect.stringContaining('with another image'),
        remedy: expect.stringContaining('omada-host restart'),
      },
    ])
    // Its database runs: it is not stopped for that.
    expect(engine.calls).toEqual([])
    await reconciler.requestRestart(forever)
    expect(engine.calls).toEqual(['stop 120', 'remove', 'create', 'start'])
    expect(warnings()).toEqual([])
  })

  test('is told of the same image, too', async () => {
    const { replace, container, warnings, until } = await scene()
    replace(container().imageId)
    await until(() => warnings().includes('CONTAINER_REPLACED'))
  })

  test('is seen by the next host as well, of the same image, by what is remembered', async () => {
    const first = await scene()
    await first.reconciler.stop()
    first.replace(first.container().imageId)
    const { memory } = first
    const second = await up({ engine: first.engine, memory })
    expect(second.reconciler.snapshot().warnings.map(({ code }) => code)).toEqual(['CONTAINER_REPLACED'])
    await second.reconciler.stop()
    const upgraded = await up({ engine: first.engine, memory, version: '2.0.0' })
    expect(upgraded.reconciler.snapshot().warnings.map(({ code }) => code)).toEqual(['CONTAINER_REPLACED'])
  })

  test('is seen by the next host as well, by the image', async () => {
    const first = await scene()
    await first.reconciler.stop()
    first.replace('image-2')
    const second = await up({ engine: first.engine })
    expect(second.reconciler.snapshot().warnings.map(({ code }) => code)).toEqual(['CONTAINER_REPLACED'])
    expect(second.engine.calls).toEqual([])
  })

  test('to remove it is told', async () => {
    const { engine, name, since, until } = await scene()
    engine.containers.delete(name)
    engine.tell({ type: 'container', action: 'remove', name })
    await until(() => engine.calls.includes('start'))
    expect(since()).toEqual([
      'somebody else removed or renamed the container',
      'created the container',
      'started the container',
    ])
  })

  test('to start what the user had stopped is told, and it is stopped again', async () => {
    const { engine, name, reconciler, since, until } = await scene()
    await reconciler.requestStop(forever)
    engine.change(name, { status: 'running' })
    engine.tell({ type: 'container', action: 'start', name })
    await until(() => engine.calls.length === 2)
    expect(since()).toEqual(['stopped the controller', 'somebody else started the container', 'stopped the controller'])
  })
})

test('to kill it is told as such, and the next end is none of theirs', async () => {
  const { engine, name, since, until, lifecycle } = await scene()
  const die = async () => {
    engine.die(name, 137)
    await until(() => lifecycle() === 'creating')
    await until(() => lifecycle() === 'starting')
  }
  engine.tell({ type: 'container', action: 'kill', name })
  await die()
  await die()
  expect(since().filter((message) => message.includes('137'))).toEqual([
    expect.stringMatching(/^the controller was stopped by somebody else, who did not wait/),
    expect.stringMatching(/most often for lack of memory, or by somebody else/),
  ])
})

test('the signal of a stop of ours is nobody else', async () => {
  const { engine, name, reconciler, since, until } = await scene()
  const stopped = Promise.withResolvers<void>()
  engine.stopGate = stopped.promise
  const restarted = reconciler.requestRestart(forever)
  await until(() => engine.calls.includes('stop 120'))
  engine.tell({ type: 'container', action: 'kill', name })
  // It comes long before the end that it leads to.
  for (let round = 0; round < 20; round += 1) await immediately()
  stopped.resolve()
  await restarted
  engine.die(name, 137)
  await until(() => since().some((message) => message.includes('137')))
  expect(since().join()).not.toContain('did not wait for it')
})

test('what we do ourselves is nobody else: a restart with a newer image, a stop, a start', async () => {
  const { engine, config, reconciler, since, warnings, container } = await scene()
  engine.registry.set(config.controller.image, { id: 'image-2', architecture: 'amd64', digests: ['sha256:2'] })
  await reconciler.requestPull(forever)
  await reconciler.requestRestart(forever)
  await reconciler.requestStop(forever)
  await reconciler.requestStart(forever)
  expect(since().filter((message) => message.includes('somebody else'))).toEqual([])
  expect(warnings()).toEqual([])
  expect(container().labels[labels.image]).toBe('image-2')
})
