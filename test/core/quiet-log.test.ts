import { beforeEach, expect, test } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { QuietLog } from '../../src/core/quiet-log.ts'
import { ManualClock } from '../support/manual-clock.ts'

let lines: string[]
let clock: ManualClock
let log: QuietLog
beforeEach(() => {
  lines = []
  clock = new ManualClock()
  const logger = createLogger({ level: 'debug', format: 'journal', write: (line) => lines.push(line.trimEnd()) })
  log = new QuietLog({ logger, clock, periodMilliseconds: 10_000 })
})

test('says once what goes on, again when it changes and when it comes back', () => {
  expect(log.once('engine', 'no answer', { fields: { code: 'X' } })).toBe(true)
  expect(log.once('engine', 'no answer')).toBe(false)
  clock.advance(1_000_000)
  log.once('engine', 'no answer')
  log.once('port', 'no answer', { level: 'error' })
  log.once('engine', 'no right')
  expect(log.over('engine')).toBe(true)
  expect(log.over('engine')).toBe(false)
  log.once('engine', 'no right')
  expect(lines).toEqual(['<4>no answer code=X', '<3>no answer', '<4>no right', '<4>no right'])
})

test('says at most one of a kind in a period, and then how many were left out', () => {
  for (let turn = 0; turn < 8; turn += 1) log.atMost('flood', `flood ${turn}`, { fields: { turn } })
  log.atMost('other', 'other', { level: 'info' })
  clock.advance(9999)
  log.atMost('flood', 'flood again')
  clock.advance(1)
  log.atMost('flood', 'flood at last')
  clock.advance(10_000)
  log.atMost('flood', 'flood anew')
  expect(lines).toEqual(['<4>flood 0 turn=0', '<6>other', '<4>flood at last (8 suppressed)', '<4>flood anew'])
})

test('remembers a bounded number of kinds', () => {
  for (let kind = 0; kind < 1001; kind += 1) log.once(`kind ${kind}`, 'here')
  lines.length = 0
  log.once('kind 1000', 'here')
  expect(lines).toEqual([])
  log.once('kind 0', 'here')
  expect(lines).toEqual(['<4>here'])
})
