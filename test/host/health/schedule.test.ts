import { expect, it } from 'vitest'
import { deadlineOf, type Probe, type ProbeResult, ProbeSchedule } from '../../../src/host/health/schedule.ts'
import { StandingClock } from '../../support/health-clock.ts'

const year = 365 * 86_400_000
const never = () => new Promise<never>(() => {})

function scene(probes: readonly Probe[]) {
  const clock = new StandingClock()
  const reports: { name: string; at: number; result: ProbeResult }[] = []
  const schedule = new ProbeSchedule({
    clock,
    probes,
    report: (name, result) => reports.push({ name, at: clock.now(), result }),
  })
  return { clock, reports, schedule, times: () => reports.map((report) => report.at) }
}

const probe = (run: Probe['run'], interval: number | (() => number) = 15_000): Probe => ({
  name: 'a',
  intervalMilliseconds: typeof interval === 'number' ? () => interval : interval,
  run,
})
const good = async (): Promise<ProbeResult> => ({ ok: true })

it('gives a probe 80 % of its interval, but time enough for a starting controller', () => {
  expect([deadlineOf(15_000), deadlineOf(1000)]).toEqual([12_000, 3000])
})

it('runs at once and then at the interval, which may change', async () => {
  let interval = 1000
  const { clock, schedule, times } = scene([probe(good, () => interval)])
  schedule.start()
  await clock.advance(2500)
  interval = 15_000
  await clock.advance(30_000)
  expect(times()).toEqual([0, 1000, 2000, 3000, 18_000])
  await schedule.stop()
})

it.each([year, -year])('goes on as if nothing had happened when the wall clock jumps by %d ms', async (jump) => {
  const { clock, schedule, times } = scene([probe(good)])
  schedule.start()
  await clock.advance(15_000)
  clock.jumpWall(jump)
  await clock.advance(30_000)
  expect(times()).toEqual([0, 15_000, 30_000, 45_000])
  await schedule.stop()
})

it.each([
  ['later', () => Promise.reject(new Error('defect'))],
  [
    'at once',
    () => {
      throw new Error('defect')
    },
  ],
])('takes a probe that throws %s for a failed one, and the others and itself go on', async (_, run) => {
  const { clock, schedule, reports } = scene([probe(run), { ...probe(good), name: 'b' }])
  schedule.start()
  await clock.advance(15_000)
  expect(reports.filter((report) => report.name === 'a').map((report) => report.result)).toEqual([
    { ok: false, message: 'defect', unable: true },
    { ok: false, message: 'defect', unable: true },
  ])
  expect(reports.filter((report) => report.name === 'b')).toHaveLength(2)
  await schedule.stop()
})

it('fails a probe at its deadline and aborts it', async () => {
  let signal: AbortSignal | undefined
  const { clock, schedule, reports } = scene([
    probe((given) => {
      signal = given
      return never()
    }),
  ])
  schedule.start()
  await clock.advance(11_999)
  expect([reports.length, signal?.aborted]).toEqual([0, false])
  await clock.advance(1)
  expect(reports).toEqual([{ name: 'a', at: 12_000, result: { ok: false, message: 'no answer within 12 s' } }])
  expect(signal?.aborted).toBe(true)
  await schedule.stop()
})

it('never runs a probe twice at once, even one that ignores its deadline', async () => {
  let running = 0
  let most = 0
  let release = () => {}
  const { clock, schedule, reports } = scene([
    probe(async () => {
      running++
      most = Math.max(most, running)
      await new Promise<void>((resolve) => {
        release = resolve
      })
      running--
      return { ok: true }
    }),
  ])
  schedule.start()
  await clock.advance(31_000)
  expect(reports.map((report) => report.result.ok)).toEqual([false, false, false])
  expect([running, most]).toEqual([1, 1])
  release()
  await clock.advance(14_000)
  release()
  await clock.advance(1)
  expect([most, reports.at(-1)?.result.ok]).toEqual([1, true])
  await schedule.stop()
})

it('fails a result that comes after the deadline although no timer has fired', async () => {
  const { clock, schedule, reports } = scene([
    probe(async () => {
      clock.block(12_001)
      return { ok: true }
    }),
  ])
  schedule.start()
  await clock.advance(0)
  expect(reports[0]?.result).toEqual({ ok: false, message: 'no answer within 12 s' })
  await schedule.stop()
})

it('runs a sleeping probe at once when woken, and a running one again', async () => {
  const { clock, schedule, times } = scene([probe(good), { ...probe(good), name: 'b' }])
  schedule.start()
  await clock.advance(5000)
  schedule.wake('a')
  await clock.advance(0)
  expect(times()).toEqual([0, 0, 5000])
  schedule.wake()
  await clock.advance(0)
  expect(times()).toEqual([0, 0, 5000, 5000, 5000])
  await schedule.stop()
})

it('reports only good news of a run out of turn, and keeps the intervals', async () => {
  let well = false
  const { clock, schedule, reports } = scene([
    probe(async () => (well ? { ok: true } : { ok: false, message: 'down' })),
  ])
  schedule.start()
  for (let i = 0; i < 10; i++) {
    await clock.advance(1000)
    schedule.wake()
  }
  await clock.advance(0)
  expect(reports.map(({ at }) => at)).toEqual([0])
  well = true
  schedule.wake()
  await clock.advance(5000)
  expect(reports.map(({ at, result }) => [at, result.ok])).toEqual([
    [0, false],
    [11_000, true],
    [15_000, true],
  ])
  await schedule.stop()
})

it('is not kept from its turn, nor busy, by what each of its runs wakes', async () => {
  let runs = 0
  const { clock, schedule, reports } = scene([
    probe(async () => {
      runs += 1
      // As a database is seen writable again with each login that it refuses.
      queueMicrotask(() => schedule.wake())
      return { ok: false, message: 'refused' }
    }),
  ])
  schedule.start()
  for (let second = 0; second < 60; second += 1) await clock.advance(1000)
  expect(reports.map(({ at }) => at)).toEqual([0, 15_000, 30_000, 45_000, 60_000])
  expect(runs).toBeLessThan(70)
  await schedule.stop()
})

it('reports nothing after stop and does not wait for a run that ignores its signal', async () => {
  const { clock, schedule, reports } = scene([probe(never), { ...probe(good), name: 'b' }])
  schedule.start()
  await clock.advance(0)
  await schedule.stop()
  await clock.advance(60_000)
  expect(reports.map((report) => report.name)).toEqual(['b'])
})

it('is due for its next step all the time, even when a probe never settles', async () => {
  const { clock, schedule, times } = scene([probe(never), { ...probe(good, 600_000), name: 'b' }])
  expect(schedule.dueBy()).toBe(Number.POSITIVE_INFINITY)
  schedule.start()
  for (let minute = 0; minute < 30; minute += 1) {
    await clock.advance(60_000)
    expect(schedule.dueBy()).toBeGreaterThan(clock.now())
  }
  expect(times().length).toBeGreaterThan(50)
  await schedule.stop()
  // A loop that does not go on is late soon.
  await clock.advance(700_000)
  expect(schedule.dueBy()).toBeLessThan(clock.now())
})
