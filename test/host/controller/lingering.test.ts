import { expect, test } from 'vitest'
import { lookAfter } from '../../../src/host/controller/lingering.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** What is seen at each look, the last one from then on; an Error is a look that cannot be made. */
type Look = { listens?: boolean; closed?: boolean } | Error

const open: Look = { listens: true, closed: false }
const closed: Look = { listens: false, closed: true }

/** Looks for as long as `seconds`. */
async function watched(looks: readonly [Look, ...Look[]], { seconds = 600, answers = true } = {}) {
  const clock = new ManualClock()
  const began = clock.now()
  const ended = new AbortController()
  let at = -1
  let killedAfterSeconds: number | undefined
  const now = () => looks[Math.min(at, looks.length - 1)] as Look
  const { wasEnded } = await lookAfter({
    clock,
    signal: ended.signal,
    databaseListens: async () => {
      at += 1
      const look = now()
      if (look instanceof Error) throw look
      return look.listens
    },
    databaseClosed: async () => {
      const look = now()
      return !(look instanceof Error) && look.closed === true
    },
    kill: async () => {
      killedAfterSeconds = (clock.now() - began) / 1000
      if (!answers) {
        ended.abort()
        throw new Error('aborted')
      }
    },
  })
  let settled = false
  void wasEnded.then(() => {
    settled = true
  })
  await clock.until(() => settled || clock.now() - began > seconds * 1000, 500)
  ended.abort()
  return { lingered: await wasEnded, killedAfterSeconds }
}

test('Java that goes on for 20 s after its database was closed is ended', async () => {
  const { lingered, killedAfterSeconds } = await watched([open, open, open, closed])
  expect(lingered).toBe(true)
  expect(killedAfterSeconds).toBeGreaterThanOrEqual(24)
  expect(killedAfterSeconds).toBeLessThan(30)
})

test('that it was ended is known although the engine tells of the end before it answers', async () => {
  expect(await watched([open, open, closed], { answers: false })).toMatchObject({ lingered: true })
})

test.each<[string, [Look, ...Look[]]]>([
  ['whose database goes on', [open]],
  ['whose database is gone without its lock having been closed', [open, { listens: false, closed: false }]],
  ['whose database was never seen, as it may still come up', [closed]],
  ['whose database cannot be looked at', [open, { closed: true }]],
  ['that cannot be looked at', [open, new Error('no such process')]],
  [
    'whose database comes and goes',
    [open, ...Array.from({ length: 400 }, (_, at) => (at % 8 === 0 ? open : closed)), open],
  ],
])('a controller %s has all of its grace', async (_, looks) => {
  expect(await watched(looks)).toEqual({ lingered: false, killedAfterSeconds: undefined })
})
