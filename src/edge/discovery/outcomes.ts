import type { Clock } from '../../core/clock.ts'
import { Settlement } from './settlement.ts'

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
export const requestOutcomes = [
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
export const answerOutcomes = ['answered', 'answer-oversize', 'answer-send-failed'] as const

export type RequestOutcome = (typeof requestOutcomes)[number]
export type AnswerOutcome = (typeof answerOutcomes)[number]
export type Outcome = RequestOutcome | AnswerOutcome

/** The counters, all of them there from the start. They only ever grow. */
export class Outcomes {
  /** Datagrams that were sent to the controller; each is counted when it is known whether that was there. */
  readonly deliveries: Settlement
  readonly #counts = new Map<Outcome, number>([...requestOutcomes, ...answerOutcomes].map((outcome) => [outcome, 0]))

  constructor(options: { clock: Clock }) {
    this.deliveries = new Settlement({
      clock: options.clock,
      settled: (outcome, count) => this.add(outcome, count),
    })
  }

  add(outcome: Outcome, count = 1): void {
    this.#counts.set(outcome, (this.#counts.get(outcome) ?? 0) + count)
  }

  snapshot(): Readonly<Record<string, number>> {
    this.deliveries.decideDue()
    return Object.fromEntries(this.#counts)
  }
}
