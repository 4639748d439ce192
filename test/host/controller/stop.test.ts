import { expect, test } from 'vitest'
import { ApplianceError, type Fault } from '../../../src/core/errors.ts'
import { stopWithGrace } from '../../../src/host/controller/stop.ts'
import { eventually } from '../../support/eventually.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeEngine } from './fake-engine.ts'
import { forever, silent } from './fixture.ts'

function running(): FakeEngine {
  const engine = new FakeEngine('x')
  const container = { imageId: 'i', labels: {}, exitCode: 0, outOfMemory: false, mounts: [], networks: [] }
  engine.containers.set('omada', { id: 'c1', status: 'running', ...container })
  return engine
}

function stop(engine: FakeEngine, signal = forever, clock = new ManualClock()) {
  return stopWithGrace({
    ...{ engine, clock, signal, logger: silent, id: 'c1', name: 'omada', graceSeconds: 90, kind: 'podman' as const },
    processRuns: () => true,
    onRetry: () => {},
  })
}

/** A stop of a container that runs; the first tries fail with `faults`, having had `effect`. */
async function stopping(faults: Fault['code'][], effect: (engine: FakeEngine) => void, signal = forever) {
  const engine = running()
  const really = engine.stop.bind(engine)
  engine.stop = async (id, graceSeconds, own) => {
    const code = faults.shift()
    if (code === undefined) return await really(id, graceSeconds, own)
    engine.calls.push(`lost stop ${graceSeconds}`)
    effect(engine)
    throw new ApplianceError({ code, message: code, remedy: '-' })
  }
  const clock = new ManualClock()
  const done = stop(engine, signal, clock)
  let settled = false
  const ended = done.then(
    () => undefined,
    (error: unknown) => error,
  )
  void ended.then(() => {
    settled = true
  })
  await clock.until(() => settled, 100)
  return { engine, error: await ended }
}

test('a stop whose answer was lost is asked for again, with the whole grace, while the container runs', async () => {
  const { engine, error } = await stopping(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT'], () => {})
  expect(error).toBeUndefined()
  expect(engine.calls).toEqual(['lost stop 90', 'lost stop 90', 'stop 90'])
})

test('a paused container is resumed, so that it can end in order', async () => {
  const { engine, error } = await stopping(['ENGINE_TIMEOUT'], (own) => own.change('omada', { status: 'paused' }))
  expect(error).toBeUndefined()
  expect(engine.calls).toEqual(['lost stop 90', 'unpause', 'stop 90'])
})

test('a stop whose answer was lost is done when the container has ended', async () => {
  const ended = await stopping(['ENGINE_UNREACHABLE'], (own) => own.change('omada', { status: 'exited' }))
  expect(ended.error).toBeUndefined()
  expect(ended.engine.calls).toEqual(['lost stop 90'])
})

test('nor is it asked for again when the container is gone, or another has its name', async () => {
  const gone = await stopping(['ENGINE_UNREACHABLE'], (own) => own.containers.delete('omada'))
  expect(gone.engine.calls).toEqual(['lost stop 90'])
  const other = await stopping(['ENGINE_UNREACHABLE'], (own) => own.change('omada', { id: 'c2' }))
  expect(other.engine.calls).toEqual(['lost stop 90'])
})

test('a stop that changes nothing is not taken for one, whatever the engine says', async () => {
  const engine = running()
  engine.stop = async () => {}
  await expect(stop(engine)).rejects.toMatchObject({
    code: 'CONTROLLER_NOT_STOPPED',
    message: expect.stringContaining('runs on'),
  })
})

test('a container that the engine calls ended, while its process runs, is not taken for one that ended', async () => {
  const engine = running()
  engine.stop = async () => engine.change('omada', { status: 'exited', exitCode: -1, pid: 42 })
  await expect(stop(engine)).rejects.toMatchObject({
    code: 'CONTROLLER_NOT_STOPPED',
    remedy: expect.stringContaining('kill -TERM 42'),
  })
})

test('a signal that cannot be delivered is told as that, with the words of the engine and where to look', async () => {
  const engine = running()
  engine.stop = async () => {
    throw new ApplianceError({
      code: 'ENGINE_REQUEST',
      message: 'cannot stop the container: runc kill: unable to signal init: permission denied',
      remedy: '-',
    })
  }
  await expect(stop(engine)).rejects.toMatchObject({
    code: 'CONTROLLER_NOT_STOPPED',
    message: expect.stringContaining('unable to signal init: permission denied'),
    remedy: expect.stringContaining('apparmor'),
  })
})

test('a stop that the engine refuses is an error', async () => {
  const { error, engine } = await stopping(['ENGINE_REQUEST'], () => {})
  expect(error).toMatchObject({ code: 'ENGINE_REQUEST' })
  expect(engine.calls).toEqual(['lost stop 90'])
})

test('who gives up waiting asks for nothing more', async () => {
  const giveUp = new AbortController()
  const { error, engine } = await stopping(
    ['ENGINE_UNREACHABLE', 'ENGINE_UNREACHABLE'],
    () => giveUp.abort(new Error('enough')),
    giveUp.signal,
  )
  expect(error).toMatchObject({ message: 'enough' })
  expect(engine.calls).toEqual(['lost stop 90'])
})

test('a container that was ended as it lingered is told as that, and one that ended by itself is not', async () => {
  for (const lingers of [true, false]) {
    const engine = running()
    let end = () => {}
    engine.stopGate = new Promise<void>((resolve) => {
      end = resolve
    })
    const signals: AbortSignal[] = []
    const stopped = stopWithGrace({
      ...{ engine, clock: new ManualClock(), signal: forever, logger: silent, id: 'c1', name: 'omada' },
      ...{ graceSeconds: 90, kind: 'podman' as const, processRuns: () => true, onRetry: () => {} },
      linger: async (container, signal) => {
        signals.push(signal)
        // Before the stop is asked for.
        expect(engine.calls).toEqual([])
        const wasEnded = (async () => {
          await eventually(
            async () => engine.calls,
            (calls) => calls.length > 0,
          )
          if (lingers) await engine.kill(container.id, signal)
          end()
          return lingers
        })()
        return { wasEnded }
      },
    })
    expect(await stopped).toMatchObject({ container: { status: 'exited' }, lingered: lingers })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  }
})
