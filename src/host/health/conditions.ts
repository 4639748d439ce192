import type { Clock } from '../../core/clock.ts'
import { Emitter } from '../../core/emitter.ts'
import { plainText } from '../../core/text.ts'
import type { Condition, HistoryEntry, Reason } from '../../ipc/host-state.ts'
import {
  type ConditionDefinition,
  type ConditionName,
  conditionTable,
  type ProbedName,
  unableRemedy,
} from './condition-table.ts'
import type { ProbeResult } from './schedule.ts'

/** Of what a probe says, in characters. */
const maxText = 300

interface Entry {
  readonly definition: ConditionDefinition
  status: Condition['status']
  reason: Reason
  since: string
  detail?: string
  /** Failed probes in a row. */
  failures: number
  /** The last failure, while there is one. */
  failure?: Extract<ProbeResult, { ok: false }>
  everOk: boolean
}

/**
 * The conditions of one container: debounced, and each consequence tied to its cause.
 *
 * A condition that was ok fails after `threshold` failed probes in a row and is ok again after the first good one. One
 * that never was ok is `unknown`, with what is missing, until the patience with a starting controller is over; only a
 * probe that cannot run is reported before that. A condition whose cause has begun to fail waits for the verdict on the
 * cause, so that a consequence is never told first.
 */
export class Conditions {
  readonly transitions = new Emitter<HistoryEntry>()
  readonly #clock: Clock
  readonly #threshold: () => number
  readonly #entries: ReadonlyMap<ProbedName, Entry>

  constructor(options: { clock: Clock; threshold: () => number }) {
    this.#clock = options.clock
    this.#threshold = options.threshold
    const since = this.#time()
    this.#entries = new Map(
      conditionTable.map((definition) => [
        definition.name,
        {
          definition,
          status: 'unknown',
          reason: { message: 'not looked at yet' },
          since,
          failures: 0,
          everOk: false,
        },
      ]),
    )
  }

  /** Takes the result of one probe. `patient`: the controller is still given time to start. */
  record(name: ProbedName, result: ProbeResult, patient: boolean): void {
    const entry = this.#entry(name)
    delete entry.detail
    if (result.ok) {
      entry.failures = 0
      entry.everOk = true
      delete entry.failure
      if (result.detail !== undefined) entry.detail = plainText(result.detail, maxText)
    } else {
      entry.failures += 1
      entry.failure = result
    }
    // Causes come first in the table, so one pass settles all.
    for (const each of this.#entries.values()) this.#judge(each, patient)
  }

  /** All conditions, causes before consequences. */
  list(): readonly Condition[] {
    return [...this.#entries.values()].map((entry) => {
      const cause = entry.status === 'failing' && entry.failure?.unable !== true ? this.#failingCause(entry) : undefined
      return {
        name: entry.definition.name,
        status: entry.status,
        reason: entry.reason,
        since: entry.since,
        ...(cause === undefined ? {} : { consequenceOf: cause }),
        ...(entry.detail === undefined ? {} : { detail: entry.detail }),
      }
    })
  }

  /** True when every required condition was ok at its last probe, no failure pending. */
  allSettled(): boolean {
    return this.#required().every((entry) => entry.status === 'ok' && entry.failures === 0)
  }

  /** True when every required condition is ok, blips left aside. */
  allOk(): boolean {
    return this.#required().every((entry) => entry.status === 'ok')
  }

  /** The reason of the first required condition that fails and is nobody's consequence. */
  rootCause(): Reason | undefined {
    const failing = this.#required().filter((entry) => entry.status === 'failing')
    const root = failing.find((entry) => entry.failure?.unable === true || this.#failingCause(entry) === undefined)
    return root?.reason
  }

  /** What a starting controller has got to, for people. */
  progress(): string {
    const here = this.#required().filter((entry) => entry.status === 'ok')
    const missing = this.#required().find((entry) => entry.status !== 'ok')
    if (missing === undefined) return 'everything answers'
    const waiting = `waiting for ${missing.definition.awaited}`
    if (here.length === 0) return `the container runs, ${waiting}`
    return `${here.map((entry) => entry.definition.awaited).join(' and ')} up, ${waiting}`
  }

  #judge(entry: Entry, patient: boolean): void {
    const { definition, failure } = entry
    if (failure === undefined) {
      if (entry.everOk) this.#enter(entry, 'ok', { message: definition.ok })
      return
    }
    const told = entry.failures >= this.#threshold() || entry.status === 'failing'
    if (entry.everOk ? told && !this.#causeUndecided(entry) : !patient || (failure.unable === true && told)) {
      this.#enter(entry, 'failing', failingReason(definition, failure))
    } else if (!entry.everOk) {
      this.#enter(entry, 'unknown', { message: `not there yet: ${plainText(failure.message, maxText)}` })
    }
  }

  #causeUndecided(entry: Entry): boolean {
    if (entry.status === 'failing') return false
    return entry.definition.causes.some((name) => {
      const cause = this.#entry(name)
      return cause.failures > 0 && cause.status === 'ok'
    })
  }

  #failingCause(entry: Entry): ConditionName | undefined {
    return entry.definition.causes.find((name) => {
      const cause = this.#entry(name)
      return cause.status === 'failing' && cause.failure?.unable !== true
    })
  }

  #enter(entry: Entry, status: Condition['status'], reason: Reason): void {
    const from = entry.status
    entry.status = status
    entry.reason = reason
    if (from === status) return
    entry.since = this.#time()
    this.transitions.emit({
      at: entry.since,
      subject: entry.definition.name,
      from,
      to: status,
      message: reason.message,
    })
  }

  #required(): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.definition.required)
  }

  #entry(name: ProbedName): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new Error(`there is no condition "${name}"`)
    return entry
  }

  #time(): string {
    return new Date(this.#clock.wall()).toISOString()
  }
}

function failingReason(definition: ConditionDefinition, failure: Extract<ProbeResult, { ok: false }>): Reason {
  const message = plainText(failure.message, maxText)
  return failure.unable === true
    ? { code: 'PROBE_FAILED', message: `the ${definition.name} probe could not run: ${message}`, remedy: unableRemedy }
    : { code: definition.code, message: `${definition.failing}: ${message}`, remedy: definition.remedy }
}
