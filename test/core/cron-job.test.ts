import { getTasks } from 'node-cron'
import { expect, onTestFinished, test } from 'vitest'
import { cronJob, isSchedule } from '../../src/core/cron-job.ts'
import { createLogger } from '../../src/core/logger.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'

const forever = new AbortController().signal
/** Past `isSchedule`, which takes minutes at the finest: a test cannot wait for one. */
const everySecond = '* * * * * *'
const never = '0 0 29 2 *'

/** A job that counts its runs; it ends with the test. node-cron goes by the machine's clock, all else by the test's. */
async function job(work: () => Promise<void> = async () => {}) {
  const clock = new ManualClock()
  const lines: string[] = []
  const runs = { count: 0 }
  const schedule = { now: everySecond }
  const own = cronJob({
    name: 'the job',
    logger: createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) }),
    clock,
    schedule: () => schedule.now,
    work: async () => {
      runs.count += 1
      await work()
    },
  })
  onTestFinished(() => own.stop())
  await own.start(forever)
  /** Moves on second by second until it has run once more. */
  const again = async () => {
    const before = runs.count
    await clock.until(() => runs.count > before, 1000)
  }
  return { own, clock, lines, runs, schedule, again }
}

test.each([
  ['17 3 * * *', true],
  ['* * * * *', true],
  [' 0 4 * * mon ', true],
  ['* * * * * *', false],
  ['17 3 * *', false],
  ['61 3 * * *', false],
  ['0 0 30 2 *', false],
  ['at night', false],
])('%j is a schedule: %s', (text, is) => {
  expect(isSchedule(text)).toBe(is)
})

test('works at each of its times until it is stopped, and leaves no timer of node-cron behind', async () => {
  const { own, clock, runs, again } = await job()
  await again()
  await again()
  expect(getTasks().size).toBe(0)
  await own.stop()
  const { count } = runs
  clock.advance(60_000)
  await clock.until(() => true)
  expect(runs.count).toBe(count)
})

test('a schedule that changed is taken up within ten seconds', async () => {
  const { clock, runs, schedule, again } = await job()
  await again()
  schedule.now = never
  clock.advance(10_000)
  await clock.until(() => true)
  const { count } = runs
  for (let second = 0; second < 30; second += 1) {
    clock.advance(1000)
    await clock.until(() => true)
  }
  expect(runs.count).toBe(count)
  schedule.now = everySecond
  const since = clock.now()
  await again()
  expect(clock.now() - since).toBeLessThanOrEqual(12_000)
})

test('a time that comes while it is at work is passed over, and its end is waited for', async () => {
  const gate = Promise.withResolvers<void>()
  const { own, clock, runs, again } = await job(() => gate.promise)
  await again()
  for (let second = 0; second < 10; second += 1) {
    clock.advance(1000)
    await clock.until(() => true)
  }
  expect(runs.count).toBe(1)
  let over = false
  const stopped = own.stop().then(() => {
    over = true
  })
  let turns = 0
  await clock.until(() => ++turns > 20)
  expect(over).toBe(false)
  gate.resolve()
  await stopped
})

test('work that throws is logged and done again at its next time', async () => {
  const { lines, again } = await job(async () => {
    throw new Error('no luck')
  })
  await again()
  await again()
  expect(lines.join('')).toMatch(/the job failed.*no luck/s)
})

test.each([
  ['a year ahead', 365 * 86_400_000],
  ['an hour back', -3_600_000],
])('a clock that jumps %s has the schedule made anew, once, and it goes on', async (_, jump) => {
  const { clock, lines, runs, again } = await job()
  const anew = () => lines.filter((line) => line.includes('scheduling the job anew')).length
  await again()
  expect(anew()).toBe(0)
  const { count } = runs
  // A time is due by the old plan when the jump is seen: nothing is done by that.
  clock.jump(jump)
  clock.advance(2000)
  await clock.until(() => anew() === 1)
  expect(runs.count).toBe(count)
  clock.advance(60_000)
  await clock.until(() => true)
  expect(anew()).toBe(1)
  await waitFor(() => {
    clock.advance(1000)
    expect(runs.count).toBeGreaterThan(count + 1)
  })
})
