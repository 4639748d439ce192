import type { Clock } from '../../core/clock.ts'

/** How long after sending it is decided whether a datagram reached the controller, in milliseconds. */
const decideAfter = 100
/** Datagrams sent within this time are decided together. */
const batchSpan = 20
/**
 * How long one refusal speaks for the datagrams sent after it. Linux answers a burst with ICMP once a second only
 * (net.ipv4.icmp_ratelimit), so that the silence that follows a refusal is no sign of a delivery.
 */
const refusalSpeaksFor = 1500
/** The same when nobody has the container's address: the kernel tells after three tries to resolve it, a second each. */
const unreachableSpeaksFor = 4500

interface Batch {
  readonly since: number
  count: number
}

interface PortDeliveries {
  readonly pending: Batch[]
  refusedUntil: number
}

/**
 * Decides, a moment after the kernel took a datagram, whether the controller was there to get it: UDP tells of a
 * refusal only later, not for which datagram, and not for each. Each datagram is counted once, after `decideAfter`;
 * nothing is ever taken back, since a counter that shrinks looks like a restart to whoever graphs it.
 */
export class Settlement {
  readonly #clock: Clock
  readonly #settled: (outcome: 'relayed' | 'no-controller', count: number) => void
  readonly #ports = new Map<number, PortDeliveries>()

  constructor(options: {
    clock: Clock
    settled: (outcome: 'relayed' | 'no-controller', count: number) => void
  }) {
    this.#clock = options.clock
    this.#settled = options.settled
  }

  /** The kernel took one datagram for this port of the controller. */
  sent(port: number): void {
    const deliveries = this.#decideDue(port)
    const now = this.#clock.now()
    const last = deliveries.pending.at(-1)
    if (last !== undefined && now - last.since < batchSpan) last.count++
    else deliveries.pending.push({ since: now, count: 1 })
  }

  /** The kernel told that an earlier datagram for this port was refused. */
  refused(port: number, code: string): void {
    const deliveries = this.#decideDue(port)
    deliveries.refusedUntil = this.#clock.now() + (code === 'ECONNREFUSED' ? refusalSpeaksFor : unreachableSpeaksFor)
  }

  /** The controller answered from this port: it is there again. */
  answered(port: number): void {
    this.#decideDue(port).refusedUntil = Number.NEGATIVE_INFINITY
  }

  /** Counts what is due. Call before the counters are read; nothing else is needed, there is no timer. */
  decideDue(): void {
    for (const port of this.#ports.keys()) this.#decideDue(port)
  }

  /** Counts what is pending, due or not: nothing more will be heard of it. */
  decideAll(): void {
    for (const deliveries of this.#ports.values()) {
      for (const batch of deliveries.pending.splice(0)) this.#decide(deliveries, batch)
    }
  }

  #decideDue(port: number): PortDeliveries {
    const known = this.#ports.get(port)
    const deliveries = known ?? { pending: [], refusedUntil: Number.NEGATIVE_INFINITY }
    if (known === undefined) this.#ports.set(port, deliveries)
    const due = this.#clock.now() - decideAfter
    for (let batch = deliveries.pending[0]; batch !== undefined && batch.since <= due; batch = deliveries.pending[0]) {
      deliveries.pending.shift()
      this.#decide(deliveries, batch)
    }
    return deliveries
  }

  #decide(deliveries: PortDeliveries, batch: Batch): void {
    this.#settled(batch.since < deliveries.refusedUntil ? 'no-controller' : 'relayed', batch.count)
  }
}
