import { describe, expect, test } from 'vitest'
import { appliance, forever, started } from './fixture.ts'

async function mortal() {
  const all = await started()
  await all.clock.until(() => all.lifecycle() === 'starting')
  const starts = () => all.engine.calls.filter((call) => call === 'start').length
  /** Dies once and waits for the restart. */
  const dieOnce = async (exitCode = 1, log: string[] = []) => {
    const before = starts()
    all.engine.die(all.name, exitCode, log)
    await all.clock.until(() => starts() > before || all.lifecycle() === 'failed', 100)
  }
  return { ...all, starts, dieOnce }
}

describe('a controller that dies', () => {
  test('is started again after a while, and says why it died', async () => {
    const { engine, clock, name, lifecycle, reconciler, starts, snapshots } = await mortal()
    engine.die(name, 2, ['boom'])
    await clock.until(() => reconciler.snapshot().reason.message.includes('exit code 2'))
    expect(lifecycle()).toBe('creating')
    expect(reconciler.snapshot().reason.message).toMatch(/starts again in 1 s/)
    expect(starts()).toBe(1)
    await clock.until(() => lifecycle() === 'starting', 100)
    expect(starts()).toBe(2)
    expect(engine.calls).not.toContain('remove')
    expect(snapshots.some(({ lifecycle: seen }) => seen === 'failed')).toBe(false)
  })

  test('waits longer each time, until it has been ready', async () => {
    const { engine, clock, name, lifecycle, reconciler, ready, dieOnce } = await mortal()
    await dieOnce()
    await dieOnce()
    engine.die(name, 1)
    await clock.until(() => /starts again in/.test(reconciler.snapshot().reason.message))
    expect(reconciler.snapshot().reason.message).toMatch(/in 4 s/)
    await clock.until(() => lifecycle() === 'starting', 100)
    ready.now = true
    await clock.until(() => lifecycle() === 'running', 1000)
    ready.now = false
    engine.die(name, 1)
    await clock.until(() => /starts again in/.test(reconciler.snapshot().reason.message))
    expect(reconciler.snapshot().reason.message).toMatch(/in 1 s/)
  })

  test('five times within ten minutes has failed until the user starts it; its last lines are in our own log alone', async () => {
    const { engine, clock, lifecycle, reconciler, dieOnce, starts, logged } = await mortal()
    for (let death = 0; death < 5; death += 1) await dieOnce(1, ['\u001b[31mfirst\u001b[0m', 'the \u0007last line'])
    expect(lifecycle()).toBe('failed')
    const { reason } = reconciler.snapshot()
    expect(reason.code).toBe('CONTROLLER_CRASH_LOOP')
    expect(reason.message).toMatch(/died with exit code 1$/)
    expect(logged).toEqual([expect.stringContaining('last log lines: first | the last line')])
    const before = starts()
    for (let round = 0; round < 30; round += 1) {
      await clock.until(() => true)
      clock.advance(60_000)
    }
    expect(starts()).toBe(before)
    engine.log = []
    await reconciler.requestStart(forever)
    expect(starts()).toBe(before + 1)
    expect(lifecycle()).toBe('starting')
  })

  test('five times over an hour is not a crash loop', async () => {
    const { clock, lifecycle, dieOnce } = await mortal()
    for (let death = 0; death < 6; death += 1) {
      await dieOnce()
      clock.advance(700_000)
    }
    expect(lifecycle()).not.toBe('failed')
  })

  test.each([
    [
      'ERROR: The version from the image (6.1.0) is older than the last version executed (6.2.0)!',
      'CONTROLLER_DOWNGRADE',
    ],
    ['ERROR: something new went wrong', 'CONTROLLER_REFUSED'],
  ])('because its entrypoint refused is not started again: %s', async (line, code) => {
    const { lifecycle, reconciler, dieOnce, starts } = await mortal()
    await dieOnce(1, ['INFO: x', line])
    expect(lifecycle()).toBe('failed')
    expect(reconciler.snapshot().reason.code).toBe(code)
    expect(starts()).toBe(1)
  })

  test('for lack of memory says so', async () => {
    const { engine, clock, name, reconciler } = await mortal()
    engine.die(name, 137)
    await clock.until(() => reconciler.snapshot().reason.code === 'CONTROLLER_OUT_OF_MEMORY', 100)
  })

  test('a start that the user waited for, and that is refused at once, is an error of the request', async () => {
    const { engine, reconciler, name } = await mortal()
    await reconciler.requestStop(forever)
    const start = engine.start.bind(engine)
    engine.start = async (id, signal) => {
      await start(id, signal)
      engine.log = ['ERROR: Your persistent data for MongoDB is using WiredTiger 10.0.0']
      engine.change(name, { status: 'exited', exitCode: 1 })
    }
    await expect(reconciler.requestStart(forever)).rejects.toMatchObject({ code: 'CONTROLLER_OLD_DATABASE' })
  })
})

test('a controller that died is never told to run, nor without its namespace', async () => {
  const { engine, clock, name, snapshots, lifecycle } = await mortal()
  snapshots.length = 0
  const { sandboxKey: _, ...dead } = engine.containers.get(name) ?? expect.fail('there is no container')
  engine.containers.set(name, dead)
  engine.die(name, 2)
  await clock.until(() => lifecycle() === 'creating')
  await clock.until(() => lifecycle() === 'starting', 100)
  const running = snapshots.filter((snapshot) => snapshot.lifecycle === 'starting')
  expect(running.map(({ sandboxKey }) => sandboxKey)).toEqual(['/run/netns/x'])
})

test('a death that the engine does not tell is noticed by the process', async () => {
  const gone = new Set<number>()
  const all = appliance({ machine: { processRuns: (pid) => !gone.has(pid) } })
  await all.reconciler.start(forever)
  await all.clock.until(() => all.lifecycle() === 'starting')
  all.ready.now = true
  all.engine.change(all.name, { pid: 77 })
  await all.clock.until(() => all.lifecycle() === 'running', 1000)
  all.engine.change(all.name, { status: 'exited', exitCode: 9 })
  gone.add(77)
  const before = all.clock.now()
  await all.clock.until(() => all.reconciler.snapshot().reason.message.includes('exit code 9'), 100)
  expect(all.clock.now() - before).toBeLessThan(3000)
})

test('why the database of a controller that runs ended is told as soon as the probes say that it does not work', async () => {
  const { engine, clock, lifecycle, reconciler, ready } = await mortal()
  ready.now = true
  reconciler.probed()
  await clock.until(() => lifecycle() === 'running', 1000)
  clock.advance(10_000)
  engine.log = ['Fail to start mongo DB server with exit code 134']
  ready.now = false
  const before = clock.now()
  reconciler.probed()
  await clock.until(() => reconciler.snapshot().warnings.length > 0)
  expect(reconciler.snapshot()).toMatchObject({ lifecycle: 'running', warnings: [{ code: 'DATABASE_ABORTED' }] })
  expect(clock.now()).toBe(before)

  engine.logAt = clock.wall()
  clock.advance(10_000)
  ready.now = true
  reconciler.probed()
  await clock.until(() => reconciler.snapshot().warnings.length === 0)

  // What it died of then is not what it suffers from now.
  clock.advance(10_000)
  ready.now = false
  reconciler.probed()
  clock.advance(60_000)
  reconciler.probed()
  await clock.until(() => clock.now() > before + 100_000, 1000)
  expect(reconciler.snapshot().warnings).toEqual([])
})

test('an exhausted heap of a controller that still runs is a warning', async () => {
  const { engine, clock, lifecycle, reconciler, ready } = await mortal()
  ready.now = true
  await clock.until(() => lifecycle() === 'running', 1000)
  ready.now = false
  engine.log = ['Exception in thread "x" java.lang.OutOfMemoryError: Java heap space']
  await clock.until(() => reconciler.snapshot().warnings.length > 0, 1000)
  expect(reconciler.snapshot()).toMatchObject({
    lifecycle: 'running',
    warnings: [{ code: 'CONTROLLER_OUT_OF_MEMORY' }],
  })
})
