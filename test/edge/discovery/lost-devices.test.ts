import { expect, test } from 'vitest'
import { Warnings } from '../../../src/core/warnings.ts'
import { tellOfLost } from '../../../src/edge/discovery/lost-devices.ts'
import { silent } from '../../ipc/fixtures.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const lost = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `AP ${index}\u001b[2J`, address: `192.0.2.${index}` }))

test.each([
  [0, undefined],
  [1, undefined],
  [2, /^AP 0\S* \(192\.0\.2\.0\), AP 1\S* \(192\.0\.2\.1\) were connected/],
  [5, /AP 2\S* \(192\.0\.2\.2\) and 2 more were connected/],
])('of %d lost devices it says %s', (count, said) => {
  const warnings = new Warnings({ logger: silent, clock: new ManualClock() })
  const source = warnings.source({ name: 'discovery' })
  tellOfLost(lost(count), source)
  const messages = warnings.list().map(({ code, message }) => `${code === 'DEVICES_ASTRAY' ? '' : code}${message}`)
  expect(messages).toEqual(said === undefined ? [] : [expect.stringMatching(said)])
  expect(messages.join()).not.toContain('\u001b')
  tellOfLost([], source)
  expect(warnings.list()).toEqual([])
})
