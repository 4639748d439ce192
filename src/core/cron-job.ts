import { createTask, validate } from 'node-cron'
import type { Clock } from './clock.ts'
import type { Component } from './component.ts'
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
 */
export class CronJob implements Component {
  readonly name: string
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #schedule: () => string
  readonly #work: (signal: AbortSignal) => Promise<void>
  readonly #stopping = new AbortController()
  #loop: Promise<void> | undefined
  #working: Promise<void> | undefined

  /** `schedule` may change: a new one is taken up within ten seconds. `work` that throws is logged. */
  constructor(options: {
    name: string
    logger: Logger
    clock: Clock
    schedule: () => string
    work: (signal: AbortSignal) => Promise<void>
  }) {
    this.name = options.name
    this.#logger = options.logger
    this.#clock = options.clock
    this.#schedule = options.schedule
    this.#work = options.work
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#loop = this.#follow()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
    await this.#working
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping
    let apart = this.#apart()
    let schedule = this.#schedule()
    let dueAt = this.#next(schedule)
    while (!signal.aborted) {
      const wait = Math.min(lookMilliseconds, Math.max(0, dueAt - this.#clock.now()))
      await this.#clock.sleep(wait, signal).catch(() => {})
      if (signal.aborted) return
      const moved = this.#apart() - apart
      if (Math.abs(moved) >= toleranceMilliseconds) {
        this.#logger.info(`the wall clock moved by ${Math.round(moved / 1000)} s: scheduling ${this.name} anew`)
        apart += moved
      } else if (schedule === this.#schedule()) {
        if (this.#clock.now() < dueAt) continue
        this.#begin()
      }
      schedule = this.#schedule()
      dueAt = this.#next(schedule)
    }
  }

  /** How far the wall clock is from the monotonic one, in milliseconds. */
  #apart(): number {
    return this.#clock.wall() - this.#clock.now()
  }

  /** When the next time of a schedule is, by the monotonic clock. */
  #next(schedule: string): number {
    return this.#clock.now() + untilNext(schedule) + marginMilliseconds
  }

  #begin(): void {
    const { signal } = this.#stopping
    this.#working ??= this.#work(signal)
      .catch((error: unknown) => {
        if (!signal.aborted)
          this.#logger.error({ err: error }, `${this.name} failed; it is done again at its next time`)
      })
      .finally(() => {
        this.#working = undefined
      })
  }
}
