import { isDeepStrictEqual } from 'node:util'
import { type Clock, isoTime } from './clock.ts'
import { Emitter } from './emitter.ts'
import type { Fault } from './errors.ts'
import type { Logger } from './logger.ts'
import type { HistoryEntry, Trouble, Warning, WarningKind } from './warning-kinds.ts'
import { bySeverity, causeAmong, warningKind } from './warning-kinds.ts'

type Change = Pick<HistoryEntry, 'from' | 'to' | 'message'>

/** What is wrong with one thing now. */
interface Entry extends Trouble {
  readonly source: Source
  readonly instance: string
  role: string
  fault: Fault
  readonly kind: WarningKind
  readonly since: string
  /** Monotonic milliseconds. */
  readonly raisedAt: number
  /** When it is over by itself, in monotonic milliseconds. */
  until: number
  /** How often it happened. */
  times: number
  /** What the history said before of the same thing. */
  readonly from: string
  inHistory: boolean
  logged: boolean
}

interface Source extends SourceOptions {
  readonly logger: Logger
  /** By their instance. */
  readonly entries: Map<string, Entry>
}

export interface SourceOptions {
  /** Of its own in the process; the component in the log. */
  readonly name: string
  /** What the history calls an instance; the source's name unless given. */
  readonly subject?: (instance: string) => string
  /** Its owner shows and logs what it raises; here it is known as a cause and as a consequence. */
  readonly shownElsewhere?: true
}

/** A fault, and which of the things that a source looks after has it: its code unless given. */
export interface InstanceFault extends Fault {
  readonly instance?: string
}

/**
 * What one part of the process says of the things that it looks after. What is wrong with one of them has one code at a
 * time. Beyond `maxInstances` at once the rest is left out.
 */
export interface WarningSource {
  /**
   * Something is wrong with `instance`, or still is, perhaps in other words.
   * @param how.from what the history says that it was, `ok` unless given
   * @param how.role what the table of causes calls it, `instance` unless given
   */
  raise(instance: string, fault: Fault, how?: { readonly from?: string; readonly role?: string }): void
  /**
   * Nothing is wrong with `instance` any more.
   * @param message says so, for people
   */
  clear(instance: string, message?: string): void
  /** Takes this for all that is wrong: raises these and clears the rest. */
  set(faults: readonly InstanceFault[]): void
  /** Something went wrong just now. It stands until it has not happened for so long. Cheap enough for every datagram. */
  happened(fault: Fault, forMilliseconds: number): void
  /** Puts another change of `instance` into the history. */
  remember(instance: string, change: Change): void
  /** Forgets what was wrong with `instance`, or with all of them, without a word: what it was about is gone. */
  forget(instance?: string): void
  /** What stands that `instance`, which was raised, follows from: the nearest to the root. */
  causeOf(instance: string): { readonly source: string; readonly instance: string; readonly fault: Fault } | undefined
}

/** What a source can raise at once: nobody reads more. */
const maxInstances = 64

/** How many changes are kept for those who ask later. */
const maxRecent = 50

const well = 'ok'

/**
 * All that is wrong in a process now: each warning has its `since`, is hidden while its cause stands, is logged once when
 * it begins to be seen and once when it is over, and enters the history. Nothing happens here by itself: whoever owns it
 * calls `settle` now and then, so that what only the time brings about is told.
 */
export class Warnings {
  /** What is to be shown may be another thing now. */
  readonly changed = new Emitter<void>()
  readonly history = new Emitter<HistoryEntry>()
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #sources: Source[] = []
  #recent: readonly HistoryEntry[] = []

  constructor(options: { logger: Logger; clock: Clock }) {
    this.#logger = options.logger
    this.#clock = options.clock
  }

  source(options: SourceOptions): WarningSource {
    const source: Source = { ...options, logger: this.#logger.child({ component: options.name }), entries: new Map() }
    const { entries } = source
    this.#sources.push(source)
    return {
      raise: (instance, fault, how) => this.#settle(this.#raise(source, instance, fault, how)),
      clear: (instance, message) => this.#settle(this.#end(entries.get(instance), message)),
      set: (faults) => {
        const wrong = byInstance(faults)
        const over = [...entries.values()]
          .filter(({ instance }) => !wrong.has(instance))
          .map((entry) => this.#end(entry))
        const raised = [...wrong].map(([instance, fault]) => this.#raise(source, instance, fault))
        this.#settle([...over, ...raised].includes(true))
      },
      happened: (fault, forMilliseconds) => {
        const known = entries.get(fault.code)
        if (known === undefined) this.#settle(this.#raise(source, fault.code, fault))
        else known.times += 1
        const entry = entries.get(fault.code)
        if (entry === undefined) return
        entry.fault = fault
        entry.until = this.#clock.now() + forMilliseconds
      },
      remember: (instance, change) => this.#remember({ source, instance }, change),
      forget: (instance) => {
        const before = entries.size
        if (instance === undefined) entries.clear()
        else entries.delete(instance)
        this.#settle(entries.size < before)
      },
      causeOf: (instance) => {
        const entry = entries.get(instance)
        const cause = entry && this.#causeOf(entry)
        return cause && { source: cause.source.name, instance: cause.instance, fault: cause.fault }
      },
    }
  }

  /** The last of what `history` has said, newest last: for whoever came after that, or keeps no history itself. */
  get recent(): readonly HistoryEntry[] {
    return this.#recent
  }

  /** What is to be shown now, the worst first, and of the same severity the oldest. */
  list(): readonly Warning[] {
    return this.#entries()
      .filter((entry) => !entry.source.shownElsewhere && this.#isSeen(entry))
      .sort((one, other) => bySeverity(one.kind, other.kind) || one.raisedAt - other.raisedAt)
      .map(({ fault, kind: { severity }, since }) => ({ ...fault, severity, since }))
  }

  /** Tells what has stood for long enough, and ends what has not happened for long enough. */
  settle(): void {
    this.#settle(false)
  }

  #settle(changed: boolean): void {
    const now = this.#clock.now()
    const ended = this.#entries().map((entry) => entry.until <= now && this.#end(entry))
    const told = this.#entries().map((entry) => this.#tell(entry))
    if (changed || ended.includes(true) || told.includes(true)) this.changed.emit()
  }

  /** Whether anything is other than before. */
  #raise(source: Source, instance: string, fault: Fault, how: { from?: string; role?: string } = {}): boolean {
    const { from = well, role = instance } = how
    const known = source.entries.get(instance)
    if (known?.code === fault.code) {
      const same = known.role === role && isDeepStrictEqual(known.fault, fault)
      known.fault = fault
      known.role = role
      return !same
    }
    if (known === undefined && source.entries.size >= maxInstances) return false
    source.entries.set(instance, {
      ...{ source, instance, role, fault, code: fault.code, kind: warningKind(fault.code) },
      since: isoTime(this.#clock),
      raisedAt: this.#clock.now(),
      until: Number.POSITIVE_INFINITY,
      times: 1,
      from: known === undefined ? from : known.inHistory ? stateOf(known) : known.from,
      inHistory: false,
      logged: false,
    })
    return true
  }

  /** Whether there was anything to tell. A consequence enters the history too, after its cause; it is logged when it is seen. */
  #tell(entry: Entry): boolean {
    if (!this.#isDue(entry)) return false
    const { kind, fault, from, source } = entry
    const remember = !entry.inHistory && kind.inHistory !== false
    const log = !entry.logged && !source.shownElsewhere && this.#isSeen(entry)
    // Another code in the same state is the same in other words.
    if (remember && from !== stateOf(entry)) this.#remember(entry, { from, to: stateOf(entry), message: fault.message })
    const { code, message, remedy } = fault
    if (log) source.logger[kind.severity === 'error' ? 'error' : 'warn']({ code, remedy }, message)
    entry.inHistory ||= remember
    entry.logged ||= log
    return remember || log
  }

  /** Whether there was anything to end. */
  #end(entry: Entry | undefined, said?: string): boolean {
    if (entry === undefined) return false
    const { source, times } = entry
    const message = said ?? entry.kind.over ?? `it is over: ${entry.fault.message}`
    source.entries.delete(entry.instance)
    if (entry.logged) source.logger.info(times === 1 ? message : `${message} (${times} times)`)
    if (entry.inHistory) this.#remember(entry, { from: stateOf(entry), to: well, message })
    return true
  }

  #remember({ source, instance }: Pick<Entry, 'source' | 'instance'>, change: Change): void {
    const entry = { at: isoTime(this.#clock), subject: source.subject?.(instance) ?? source.name, ...change }
    this.#recent = [...this.#recent, entry].slice(-maxRecent)
    this.history.emit(entry)
  }

  #entries(): Entry[] {
    return this.#sources.flatMap(({ entries }) => [...entries.values()])
  }

  #isDue({ kind, raisedAt }: Entry): boolean {
    return this.#clock.now() - raisedAt >= (kind.visibleAfterMilliseconds ?? 0)
  }

  #isSeen(entry: Entry): boolean {
    return this.#isDue(entry) && this.#causeOf(entry) === undefined
  }

  #causeOf(entry: Entry): Entry | undefined {
    return causeAmong(entry, this.#entries())
  }
}

const stateOf = ({ kind }: Entry) => kind.state ?? kind.severity

/** Several of one code that have no instance are told apart by a number. */
function byInstance(faults: readonly InstanceFault[]): ReadonlyMap<string, Fault> {
  const named = new Map<string, Fault>()
  for (const { instance, ...fault } of faults) {
    let name: string = instance ?? fault.code
    for (let number = 2; named.has(name); number += 1) name = `${fault.code} ${number}`
    named.set(name, fault)
  }
  return named
}
