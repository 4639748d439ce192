import type { Clock } from '../../core/clock.ts'

/** How long after sending it is decided whether a datagram reached the controller. */
const decideAfterMilliseconds = 100
/** Datagrams sent within this time are decided together. */
const batchMilliseconds = 20
/**
 * How long one refusal speaks for the datagrams sent after it. Linux answers a burst with ICMP once a second only
 * (net.ipv4.icmp_ratelimit), so that the silence that follows a refusal is no sign of a delivery.
 */
const refusalMilliseconds = 1500
/** The same when nobody has the container's address: the kernel tells after three tries to resolve it, a second each. */
const unreachableMilliseconds = 4500

/**
 * How a datagram can end; each ends in exactly one of them, and these are the counters. Those of a datagram from the LAN:
 *
 * - `relayed`: handed on to the controller
 * - `no-controller`: the controller was not there to take it (no bridge, nobody listens on that port)
 * - `send-failed`: this machine could not send it (no socket left, a packet filter)
 * - `refused`: `access.devices` does not admit its sender
 * - `own-echo`: one of our own datagrams came back
 * - `from-container`: its sender is in the container's own subnet
 * - `duplicate`: the same bytes from the same address and port, as a device sends to both broadcast addresses
 * - `rate-limited`: its sender exceeds `discovery.ratePerSource`
 * - `oversize`, `empty`: longer than any discovery datagram, or without a payload
 * - `bad-source`: nothing could answer it (source port 0, source address 0.0.0.0)
 * - `malformed`: not a frame, on 29810 with `discovery.strict`
 * - `peer-probe`: another omada-host, or one's netcheck, asks or answers who else is here; never relayed
 */
const requestOutcomes = [
  'relayed',
  'no-controller',
  'send-failed',
  'refused',
  'own-echo',
  'from-container',
  'duplicate',
  'rate-limited',
  'oversize',
  'empty',
  'bad-source',
  'malformed',
  'peer-probe',
] as const

/** Those of an answer of the controller: `answer-oversize` is one that no datagram to the device can carry. */
const answerOutcomes = ['answered', 'answer-oversize', 'answer-send-failed'] as const

export type RequestOutcome = (typeof requestOutcomes)[number]
type Outcome = RequestOutcome | (typeof answerOutcomes)[number]

interface PortDeliveries {
  /** How many were sent since when, in monotonic milliseconds; the oldest first. */
  readonly pending: { readonly since: number; count: number }[]
  /** What was sent before this counts as refused, in monotonic milliseconds. */
  refusedUntil: number
}

/**
 * The counters, all of them there from the start; they only ever grow. What was sent to the controller is counted a moment
 * later: UDP tells of a refusal only afterwards, not for which datagram, and not for each. Each is counted once, after
 * `decideAfterMilliseconds`; nothing is ever taken back, since a counter that shrinks looks like a restart to whoever
 * graphs it.
 */
export class Outcomes {
  readonly #clock: Clock
  readonly #counts = new Map<Outcome, number>([...requestOutcomes, ...answerOutcomes].map((outcome) => [outcome, 0]))
  /** By the controller's port. */
  readonly #deliveries = new Map<number, PortDeliveries>()

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock
  }

  add(outcome: Outcome, count = 1): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + count)
  }

  /** The counters now. There is no timer: what is due is decided when somebody looks, or sends more. */
  snapshot(): Readonly<Record<string, number>> {
    for (const port of this.#deliveries.keys()) this.#decide(port)
    return Object.fromEntries(this.#counts)
  }

  /** The kernel took one datagram for this port of the controller. */
  sent(port: number): void {
    const { pending } = this.#decide(port)
    const now = this.#clock.now()
    const last = pending.at(-1)
    if (last !== undefined && now - last.since < batchMilliseconds) last.count++
    else pending.push({ since: now, count: 1 })
  }

  /**
   * The kernel told that an earlier datagram for this port was refused. That holds for all that is pending, due or not: a
   * busy process may be told, or ask, much later than the refusal came.
   */
  refused(port: number, code: string): void {
    const lasts = code === 'ECONNREFUSED' ? refusalMilliseconds : unreachableMilliseconds
    this.#deliveriesOf(port).refusedUntil = this.#clock.now() + lasts
  }

  /** The controller answered from this port: it is there again. */
  answered(port: number): void {
    this.#decide(port).refusedUntil = Number.NEGATIVE_INFINITY
  }

  /** Counts what is pending, due or not: nothing more will be heard of it. */
  decideAll(): void {
    for (const port of this.#deliveries.keys()) this.#decide(port, Number.POSITIVE_INFINITY)
  }

  #deliveriesOf(port: number): PortDeliveries {
    const known = this.#deliveries.get(port)
    const deliveries = known ?? { pending: [], refusedUntil: Number.NEGATIVE_INFINITY }
    if (known === undefined) this.#deliveries.set(port, deliveries)
    return deliveries
  }

  /** Counts what was sent until then. */
  #decide(port: number, until = this.#clock.now() - decideAfterMilliseconds): PortDeliveries {
    const deliveries = this.#deliveriesOf(port)
    const { pending, refusedUntil } = deliveries
    for (let batch = pending[0]; batch !== undefined && batch.since <= until; batch = pending[0]) {
      pending.shift()
      this.add(batch.since < refusedUntil ? 'no-controller' : 'relayed', batch.count)
    }
    return deliveries
  }
}
