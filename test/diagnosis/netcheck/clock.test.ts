import { expect, test } from 'vitest'
import { clockCheck } from '../../../src/diagnosis/netcheck/clock.ts'

const absent = { kind: 'absent' } as const
const said = (text: string) => ({ kind: 'said', text }) as const
const failed = { kind: 'failed', why: 'timedatectl: System has not been booted with systemd' } as const
/** As adjtimex(8) prints it. */
const kernel = (status: number) => said(`         mode: 0\n       offset: 0\n       status: ${status}\n`)

test.each([
  [said('yes\n'), absent, 'ok', /is synchronised/],
  [said('no\n'), absent, 'fail', /is not synchronised/],
  [said('no\n'), kernel(0), 'fail', /is not synchronised/],
  [failed, kernel(8193), 'ok', /is synchronised/],
  [absent, kernel(64), 'fail', /is not synchronised/],
  [failed, absent, 'unknown', /could not measure .* not been booted with systemd/],
  [absent, absent, 'unknown', /neither timedatectl nor adjtimex is installed/],
  [said(''), said('something else'), 'unknown', /could not measure/],
] as const)('%j and %j: %s', (timedatectl, adjtimex, status, message) => {
  const verdicts = clockCheck({ timedatectl, adjtimex }).run(new AbortController().signal)
  const code = status === 'fail' ? { code: 'CLOCK_UNSYNCHRONISED' } : {}
  expect(verdicts).toMatchObject([{ status, message: expect.stringMatching(message), ...code }])
})
