import { Alarm } from '../../core/alarm.ts'
import type { Clock } from '../../core/clock.ts'
import { type Fault, messageOf } from '../../core/errors.ts'
import { Pulse } from '../../core/pulse.ts'
import type { ControllerInfo } from '../../omada/info-api.ts'

/**
 * What one run of a probe found. `message` of a failure is the bare cause ("connect ECONNREFUSED 10.0.0.1:29814");
 * `unable` says that the probe itself could not run, so that nothing is known of what it looks at; `fault` is what it is
 * for people, where that is known better than by the condition; `certain`: more time will not mend it.
 */
export type ProbeResult =
  | { readonly ok: true; readonly detail?: string; readonly controller?: ControllerInfo }
  | {
      readonly ok: false
      readonly message: string
      readonly unable?: true
      readonly fault?: Fault
      readonly certain?: boolean
    }

/** Something that is looked at again and again. */
export interface Probe<Name extends string = string> {
  readonly name: Name
  /** The time from the start of one run to the start of the next; asked anew after every run. */
  intervalMilliseconds(): number
  /** `signal` aborts at the deadline and on stop; whatever the run opened must be closed then. */
  run(signal: AbortSignal): Promise<ProbeResult>
}

/** Below this a deadline would cut off what a starting controller on a small machine needs for a first answer. */
const shortestDeadlineMilliseconds = 3000

/** How late a lane may be with what it does next before it counts as stuck, in milliseconds. */
const latenessMilliseconds = 30_000

/** Between a run out of turn that failed and the next one. */
const calmMilliseconds = 1000

/** How long a probe may take, in milliseconds: 80 % of its interval, but 3 s at least. */
export function deadlineOf(intervalMilliseconds: number): number {
  return Math.max(shortestDeadlineMilliseconds, intervalMilliseconds * 0.8)
}

interface Lane<Name extends string> {
  readonly probe: Probe<Name>
  readonly pulse: Pulse
  /** Rung to run it again without a pause, or with a shorter one. */
  readonly alarm: Alarm
  /** A run that outlived its deadline and has not settled yet. */
  overdue: boolean
}

/**
 * Runs probes side by side, each in a lane of its own: at once, and then at its interval, on the monotonic clock only.
 *
 * Invariants: never two runs of one probe at once, even when one ignores its signal; every run in turn ends in exactly
 * one report; a run that throws, or whose result comes after its deadline, is a failed one; nothing is reported after stop.
 */
export class ProbeSchedule<Name extends string> {
  readonly #clock: Clock
  readonly #report: (name: Name, result: ProbeResult) => void
  readonly #lanes: readonly Lane<Name>[]
  #loops: readonly Promise<void>[] = []
  readonly #stopping = new AbortController()

  constructor(options: {
    clock: Clock
    probes: readonly Probe<Name>[]
    report: (name: Name, result: ProbeResult) => void
  }) {
    this.#clock = options.clock
    this.#report = options.report
    this.#lanes = options.probes.map((probe) => ({
      probe,
      pulse: new Pulse(options),
      alarm: new Alarm(options),
      overdue: false,
    }))
  }

  start(): void {
    this.#loops = this.#lanes.map((lane) => this.#loop(lane))
  }

  /** When the next step of a lane is due at the latest, on the monotonic clock: a probe that hangs has its deadline. */
  dueBy(): number {
    return Math.min(...this.#lanes.map((lane) => lane.pulse.dueBy))
  }

  /**
   * Runs a probe, or all of them, once more, out of turn. Such a run reports good news only and leaves the intervals as
   * they are, so that failures in a row are always as far apart as the intervals. After one that fails the next is a
   * second later at the soonest: what wakes it may be what it does itself, as a database is seen writable again with each
   * login that it refuses.
   */
  wake(name?: Name): void {
    for (const lane of this.#lanes) {
      if (name === undefined || lane.probe.name === name) lane.alarm.ring()
    }
  }

  /** Cancels what runs. Resolves when no loop is left; a run that ignores its signal is not waited for. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#loops)
  }

  async #loop(lane: Lane<Name>): Promise<void> {
    let outOfTurn = false
    let due = this.#clock.now()
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const started = this.#clock.now()
      lane.alarm.clear()
      lane.pulse.promise(deadlineOf(lane.probe.intervalMilliseconds()) + latenessMilliseconds)
      const result = await this.#runOnce(lane, started)
      if (signal.aborted) return
      if (!outOfTurn) due = started + lane.probe.intervalMilliseconds()
      if (!outOfTurn || result.ok) this.#report(lane.probe.name, result)
      const pause = Math.max(0, due - this.#clock.now())
      lane.pulse.promise(pause + latenessMilliseconds)
      outOfTurn = await this.#rest(lane, pause, outOfTurn && !result.ok ? calmMilliseconds : 0).catch(() => false)
    }
  }

  /** Resolves with true when it was woken before its time; the first `calm` milliseconds it does not wake. */
  async #rest(lane: Lane<Name>, milliseconds: number, calm: number): Promise<boolean> {
    const { signal } = this.#stopping
    const until = this.#clock.now() + milliseconds
    await this.#clock.sleep(Math.min(calm, milliseconds), signal)
    const rung = await lane.alarm.sleep(Math.max(0, until - this.#clock.now()), signal)
    return rung && this.#clock.now() < until
  }

  async #runOnce(lane: Lane<Name>, started: number): Promise<ProbeResult> {
    if (lane.overdue) return { ok: false, message: 'the previous probe has still not ended' }
    const limit = deadlineOf(lane.probe.intervalMilliseconds())
    const ended = new AbortController()
    const run = AbortSignal.any([ended.signal, this.#stopping.signal])
    lane.overdue = true
    const outcome = settle(lane.probe, run).finally(() => {
      lane.overdue = false
    })
    const late = this.#clock.sleep(limit, run).catch(() => {})
    const first = await Promise.race([outcome, late])
    ended.abort()
    // The clock is asked too: after a blocked event loop a late result may be seen before the timer.
    if (first && this.#clock.now() - started <= limit) return first
    return { ok: false, message: `no answer within ${limit / 1000} s` }
  }
}

/** The result of a run; a throw, at once or later, is a failed one that says nothing of what it looked at. */
async function settle(probe: Probe, signal: AbortSignal): Promise<ProbeResult> {
  try {
    return await probe.run(signal)
  } catch (error) {
    return { ok: false, message: messageOf(error), unable: true }
  }
}
