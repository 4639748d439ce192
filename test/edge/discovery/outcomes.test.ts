import { beforeEach, expect, test } from 'vitest'
import { Outcomes } from '../../../src/edge/discovery/outcomes.ts'
import { FakeClock } from './support/fake-clock.ts'

let clock: FakeClock
let outcomes: Outcomes

beforeEach(() => {
  clock = new FakeClock()
  outcomes = new Outcomes({ clock })
})

function counts(): Record<string, number | undefined> {
  const { relayed, 'no-controller': noController } = outcomes.snapshot()
  return { relayed, 'no-controller': noController }
}

function after(milliseconds: number): Record<string, number | undefined> {
  clock.advance(milliseconds)
  return counts()
}

test('a datagram that nobody refused was relayed, and is counted only once that is known', () => {
  outcomes.sent(29_810)
  expect(after(50)).toEqual({ relayed: 0, 'no-controller': 0 })
  expect(after(100)).toEqual({ relayed: 1, 'no-controller': 0 })
  expect(after(10_000)).toEqual({ relayed: 1, 'no-controller': 0 })
})

test('one refusal speaks for all that were sent just before and in the second after it', () => {
  for (let sent = 0; sent < 10; sent++) outcomes.sent(29_810)
  clock.advance(5)
  outcomes.refused(29_810, 'ECONNREFUSED')
  clock.advance(1000)
  for (let sent = 0; sent < 10; sent++) outcomes.sent(29_810)
  expect(after(300)).toEqual({ relayed: 0, 'no-controller': 20 })
})

test('a refusal that is old no longer speaks', () => {
  outcomes.sent(29_810)
  outcomes.refused(29_810, 'ECONNREFUSED')
  clock.advance(1600)
  outcomes.sent(29_810)
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('a refusal that is told late, by a process that was busy, speaks for what has been undecided since', () => {
  outcomes.sent(29_810)
  clock.advance(400)
  outcomes.refused(29_810, 'ECONNREFUSED')
  expect(after(0)).toEqual({ relayed: 0, 'no-controller': 1 })
})

test('a later refusal does not speak for what was decided long before', () => {
  outcomes.sent(29_810)
  clock.advance(5000)
  outcomes.sent(29_810)
  outcomes.refused(29_810, 'ECONNREFUSED')
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('an address that nobody has is told late and speaks longer', () => {
  outcomes.refused(29_810, 'EHOSTUNREACH')
  clock.advance(4000)
  outcomes.sent(29_810)
  expect(after(300)).toEqual({ relayed: 0, 'no-controller': 1 })
})

test('an answer of the controller ends the refusal, of its own port only', () => {
  outcomes.refused(29_810, 'ECONNREFUSED')
  outcomes.refused(27_001, 'ECONNREFUSED')
  outcomes.answered(29_810)
  outcomes.sent(29_810)
  outcomes.sent(27_001)
  expect(after(300)).toEqual({ relayed: 1, 'no-controller': 1 })
})

test('at the end everything pending is counted', () => {
  outcomes.sent(29_810)
  outcomes.sent(27_001)
  outcomes.decideAll()
  outcomes.decideAll()
  expect(counts()).toEqual({ relayed: 2, 'no-controller': 0 })
})
