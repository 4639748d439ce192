import { setImmediate as immediately } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { followEvents } from '../../../src/host/controller/engine-events.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { FakeEngine, gone } from './fake-engine.ts'
import { silent } from './fixture.ts'

/** A follower of the container "omada" that counts its looks; it ends with the test. */
function follower() {
  const engine = new FakeEngine('a/b:1')
  const clock = new ManualClock()
  const ending = new AbortController()
  const looks = { count: 0 }
  const ended = followEvents({
    engine,
    names: ['omada'],
    clock,
    logger: silent,
    signal: ending.signal,
    onEvent: () => {
      looks.count += 1
    },
  })
  onTestFinished(async () => {
    ending.abort()
    await ended
  })
  const settled = async () => {
    for (let round = 0; round < 20; round += 1) await immediately()
  }
  const followed = async (step = 0) => {
    await clock.until(() => engine.followed, step)
    await settled()
  }
  /** The connection ends; resolves to how long it took until there was another, in milliseconds. */
  const lost = async () => {
    engine.loseEvents()
    await clock.until(() => !engine.followed)
    await settled()
    const since = clock.now()
    await followed(50)
    return clock.now() - since
  }
  return { engine, clock, looks, settled, followed, lost }
}

test('what happens to what was named is looked at, once each; the rest is not', async () => {
  const { engine, looks, settled, followed } = follower()
  await followed()
  const before = looks.count
  engine.tell({ type: 'container', action: 'pause', name: 'omada' })
  engine.tell({ type: 'container', action: 'unpause', name: 'omada' })
  engine.tell({ type: 'container', action: 'die', name: 'another' })
  engine.tell({ type: 'container', action: 'exec_start: ls', name: 'omada' })
  await settled()
  expect(looks.count - before).toBe(2)
})

test('one look when the connection is lost, and one when there is another, as nobody told what happened in between', async () => {
  const { engine, clock, looks, settled, followed } = follower()
  await followed()
  const before = looks.count
  engine.away = gone
  engine.loseEvents()
  await clock.until(() => looks.count === before + 1)
  engine.away = undefined
  await settled()
  expect(looks.count).toBe(before + 1)
  await followed(100)
  expect(looks.count).toBe(before + 2)
})

test('a connection that keeps being lost is made less and less often, up to 5 s; one that lasted, soon again', async () => {
  const { clock, settled, lost, followed } = follower()
  await followed()
  expect(await lost()).toBeLessThanOrEqual(600)
  for (let time = 0; time < 6; time += 1) await lost()
  const longest = await lost()
  expect(longest).toBeGreaterThan(3900)
  expect(longest).toBeLessThanOrEqual(5100)
  clock.advance(2100)
  await settled()
  expect(await lost()).toBeLessThanOrEqual(600)
})
