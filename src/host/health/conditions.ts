import { type Clock, isoTime } from '../../core/clock.ts'
import type { Fault, Reason } from '../../core/errors.ts'
import { plainText } from '../../core/text.ts'
import { causeAmong, type Trouble } from '../../core/warning-kinds.ts'
import type { SourceOptions, WarningSource } from '../../core/warnings.ts'
import type { Condition } from '../../ipc/host-state.ts'
import { type ConditionDefinition, conditionTable, type ProbedName, unableRemedy } from './condition-table.ts'
import type { ProbeResult } from './schedule.ts'

/** Of what a probe says, in characters. */
const maxText = 300

/** What fails is shown as a condition, and logged with the phase that it leads to. */
export const conditionsSource: SourceOptions = {
  name: 'health',
  subject: (condition) => condition,
  shownElsewhere: true,
}

interface Entry {
  readonly definition: ConditionDefinition
  status: Condition['status']
  reason: Reason
  since: string
  detail?: string
  /** Failed probes in a row, and when the first of them was told, on the monotonic clock. */
  failures: number
  failedAt: number
  /** When its probe told of it last, on the monotonic clock. */
  toldAt: number
  /** The last failure, while there is one. */
  failure?: Extract<ProbeResult, { ok: false }>
  everOk: boolean
}

/**
 * The conditions of one container: debounced, and each consequence tied to its cause, which the registry of warnings
 * knows: another condition, or what else is wrong, such as a full disk.
 *
 * A condition that was ok fails after `threshold` failed probes in a row and is ok again after the first good one. One
 * that never was ok is `unknown`, with what is missing, until the patience with a starting controller is over; only a
 * probe that cannot run is reported before that. A condition waits for the verdict on what it may follow from, if that has
 * begun to fail or its probe, which may be the slower one, has not told since: a consequence is never told first.
 */
export class Conditions {
  readonly #clock: Clock
  readonly #warnings: WarningSource
  readonly #threshold: () => number
  readonly #entries: readonly Entry[]
  /** Those that the controller is not ready without. */
  readonly #required: readonly Entry[]

  /** `warnings` is of `conditionsSource`, and these conditions' own. */
  constructor(options: { clock: Clock; warnings: WarningSource; threshold: () => number }) {
    this.#clock = options.clock
    this.#warnings = options.warnings
    this.#threshold = options.threshold
    const since = isoTime(this.#clock)
    const reason = { message: 'not looked at yet' }
    this.#entries = conditionTable.map((definition) => {
      return { definition, status: 'unknown', reason, since, failures: 0, failedAt: 0, toldAt: 0, everOk: false }
    })
    this.#required = this.#entries.filter(({ definition }) => definition.required)
  }

  /** Takes the result of one probe. `patient`: the controller is still given time to start. */
  record(name: ProbedName, result: ProbeResult, patient: boolean): void {
    const entry = this.#entries.find(({ definition }) => definition.name === name)
    if (entry === undefined) throw new Error(`there is no condition "${name}"`)
    delete entry.detail
    entry.toldAt = this.#clock.now()
    if (result.ok) {
      entry.failures = 0
      entry.everOk = true
      delete entry.failure
      if (result.detail !== undefined) entry.detail = plainText(result.detail, maxText)
    } else {
      if (entry.failures === 0) entry.failedAt = entry.toldAt
      entry.failures += 1
      entry.failure = result
    }
    // Causes come first in the table, so one pass settles all.
    for (const each of this.#entries) this.#judge(each, patient)
  }

  /** All conditions, causes before consequences. */
  list(): readonly Condition[] {
    return this.#entries.map((entry) => ({
      name: entry.definition.name,
      status: entry.status,
      ...this.#explained(entry),
      since: entry.since,
      ...(entry.detail === undefined ? {} : { detail: entry.detail }),
    }))
  }

  /** True when every required condition was ok at its last probe, no failure pending. */
  allSettled(): boolean {
    return this.#required.every((entry) => entry.status === 'ok' && entry.failures === 0)
  }

  /** True when every required condition is ok, blips left aside. */
  allOk(): boolean {
    return this.#required.every((entry) => entry.status === 'ok')
  }

  /** The reason of the first required condition that fails and is no other condition's consequence. */
  rootCause(): Reason | undefined {
    const failing = this.#required.filter((entry) => entry.status === 'failing')
    return failing.map((entry) => this.#explained(entry)).find(({ consequenceOf }) => consequenceOf === undefined)
      ?.reason
  }

  /** What a starting controller has got to, for people. */
  progress(): string {
    const here = this.#required.filter((entry) => entry.status === 'ok')
    const missing = this.#required.find((entry) => entry.status !== 'ok')
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
    if (
      entry.everOk
        ? told && !this.#causeUndecided(entry)
        : !patient || (told && (failure.unable === true || failure.certain === true))
    ) {
      const fault = faultOf(definition, failure)
      this.#warnings.raise(definition.name, fault, { from: entry.status })
      this.#enter(entry, 'failing', fault)
    } else if (!entry.everOk) {
      this.#enter(entry, 'unknown', { message: `not there yet: ${plainText(failure.message, maxText)}` })
    }
  }

  /** Whether something that it may follow from has begun to fail, or was not heard of since this did, and is not judged yet. */
  #causeUndecided(entry: Entry): boolean {
    if (entry.status === 'failing') return false
    const undecided = this.#entries.filter(
      ({ failures, status, toldAt }) => status === 'ok' && (failures > 0 || toldAt < entry.failedAt),
    )
    return causeAmong(troubleOf(entry), undecided.map(troubleOf)) !== undefined
  }

  #enter(entry: Entry, status: Condition['status'], reason: Reason): void {
    const { status: from, definition } = entry
    entry.status = status
    entry.reason = reason
    if (from === status) return
    entry.since = isoTime(this.#clock)
    if (from === 'failing' && status === 'ok') this.#warnings.clear(definition.name, reason.message)
    else if (status !== 'failing') {
      // It did not fail before, or is given more time to start.
      this.#warnings.forget(definition.name)
      this.#warnings.remember(definition.name, { from, to: status, message: reason.message })
    }
  }

  /** The reason, and the condition that it follows from; what else it follows from is named in the reason. */
  #explained({ definition, status, reason }: Entry): Pick<Condition, 'reason' | 'consequenceOf'> {
    const cause = status === 'failing' ? this.#warnings.causeOf(definition.name) : undefined
    if (cause === undefined) return { reason }
    if (cause.source === conditionsSource.name) return { reason, consequenceOf: cause.instance }
    return { reason: { ...cause.fault, message: `${reason.message}: ${cause.fault.message}` } }
  }
}

function troubleOf({ definition: { code, name } }: Entry): Trouble {
  return { code, role: name }
}

function faultOf(definition: ConditionDefinition, failure: Extract<ProbeResult, { ok: false }>): Fault {
  if (failure.fault !== undefined) return { ...failure.fault, message: plainText(failure.fault.message, maxText) }
  const message = plainText(failure.message, maxText)
  return failure.unable === true
    ? { code: 'PROBE_FAILED', message: `the ${definition.name} probe could not run: ${message}`, remedy: unableRemedy }
    : { code: definition.code, message: `${definition.failing}: ${message}`, remedy: definition.remedy }
}
