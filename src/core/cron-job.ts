import { createTask, validate } from 'node-cron'
import type { Clock } from './clock.ts'
import { type Loop, loopOf } from './component.ts'
import type { Logger } from './logger.ts'

/** How often the schedule is read again and the clocks are compared, and how far they may part, in milliseconds. */
const lookMilliseconds = 10_000
const toleranceMilliseconds = 30_000
/** A timer may fire early; then the same minute would be next once more. */
const marginMilliseconds = 20

/** Whether this is a cron schedule of five fields: node-cron would take seconds as a sixth. */
export function isSchedule(text: string): boolean {
  return text.trim().split(/\s+/).length === 5 && validate(text)
}

/** How long it is until a schedule's next time, by the wall clock of this machine, in milliseconds. */
function untilNext(schedule: string): number {
  const task = createTask(schedule, () => {})
  try {
    const next = task.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY
    return Math.max(0, next - Date.now())
  } finally {
    void task.destroy()
  }
}

/**
 * Does `work` at the times of a cron schedule, by the wall clock. Times that come while it is being done are passed over,
 * and so are those that a jump of the clock passed over.
 *
 * node-cron is the calendar here: it says which text is a schedule and when its next time is, which is what it does well.
 * Its own timer is never started. At its first tick after a clock that jumped ahead, as on a machine without a real-time
 * clock at its first time sync, it walks every missed time, which blocked the event loop for over a minute; and after a
 * jump back it never ticks again (both seen with 4.6.0). So the waiting is done here, on the monotonic clock, and planned
 * anew when the two clocks part.
 *
 * @param options `schedule` may change: a new one is taken up within ten seconds. `work` that throws is logged.
 */
export function cronJob(options: {
  name: string
  logger: Logger
  clock: Clock
  schedule: () => string
  work: (signal: AbortSignal) => Promise<void>
}): Loop {
  const { name, logger, clock } = options
  let working: Promise<void> | undefined
  /** How far the wall clock is from the monotonic one, in milliseconds. */
  const distance = () => clock.wall() - clock.now()
  /** When the next time of a schedule is, by the monotonic clock. */
  const next = (schedule: string) => clock.now() + untilNext(schedule) + marginMilliseconds
  const begin = (signal: AbortSignal) => {
    working ??= options
      .work(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) logger.error({ err: error }, `${name} failed; it is done again at its next time`)
      })
      .finally(() => {
        working = undefined
      })
  }
  return loopOf(name, async (signal) => {
    let apart = distance()
    let schedule = options.schedule()
    let dueAt = next(schedule)
    while (true) {
      const wait = Math.min(lookMilliseconds, Math.max(0, dueAt - clock.now()))
      await clock.sleep(wait, signal).catch(() => {})
      if (signal.aborted) break
      const moved = distance() - apart
      if (Math.abs(moved) >= toleranceMilliseconds) {
        logger.info(`the wall clock moved by ${Math.round(moved / 1000)} s: scheduling ${name} anew`)
        apart += moved
      } else if (schedule === options.schedule()) {
        if (clock.now() < dueAt) continue
        begin(signal)
      }
      schedule = options.schedule()
      dueAt = next(schedule)
    }
    await working
  })
}
