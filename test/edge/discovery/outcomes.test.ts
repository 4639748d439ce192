import { beforeEach, expect, test } from 'vitest'
import { Settlement } from '../../../src/edge/discovery/outcomes.ts'
import { FakeClock } from './support/fake-clock.ts'

let clock: FakeClock
let counts: Record<string, number>
let settlement: Settlement

beforeEach(() => {
  clock = new FakeClock()
  counts = { relayed: 0, 'no-controller': 0 }
  settlement = new Settlement({
    clock,
    settled: (outcome, count) => {
      counts[outcome] = (counts[outcome] ?? 0) + count
    },
  })
})

function after(milliseconds: number): Record<string, number> {
  clock.advance(milliseconds)
  settlement.decideDue()
  return counts
}

test('a datagram that nobody refused was relayed, and is counted only once that is known', () => {
  settlement.sent(29_810)
  expect(after(50)).toEqual({ relayed: 0, 'no-controller': 0 })
  expect(after(100)).toEqual({ relayed: 1, 'no-controller': 0 })
  expect(after(10_000)).toEqual({ relayed: 1, 'no-controller': 0 })
})

test('one refusal speaks for all that were sent just before and in the second after it', () => {
  for (let sent = 0; sent < 10; sent++) settlement.sent(29_810)
  clock.advance(5)
  settlement.refused(29_810, 'ECONNREFUSED')
  clock.advance(1000)
  for (let sent = 0; sent < 10; sent++) settlement.sent(29_810)
  expect(after(300)).toEqual({ relayed: 0, 'no-controller': 20 })
})

test('a refusal that is old no longer speaks', () => {
  settlement.sent(29_810)
  settlement.refused(29_810, 'ECONNREFUSED')
  clock.advance(1600)
  settlement.sent(29_810)
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('a later refusal does not speak for what was decided long before', () => {
  settlement.sent(29_810)
  clock.advance(5000)
  settlement.sent(29_810)
  settlement.refused(29_810, 'ECONNREFUSED')
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('an address that nobody has is told late and speaks longer', () => {
  settlement.refused(29_810, 'EHOSTUNREACH')
  clock.advance(4000)
  settlement.sent(29_810)
  expect(after(300)).toEqual({ relayed: 0, 'no-controller': 1 })
})

test('an answer of the controller ends the refusal, of its own port only', () => {
  settlement.refused(29_810, 'ECONNREFUSED')
  settlement.refused(27_001, 'ECONNREFUSED')
  settlement.answered(29_810)
  settlement.sent(29_810)
  settlement.sent(27_001)
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('at the end everything pending is counted', () => {
  settlement.sent(29_810)
  settlement.sent(27_001)
  settlement.decideAll()
  settlement.decideAll()
  expect(counts).toEqual({ relayed: 2, 'no-controller': 0 })
})
