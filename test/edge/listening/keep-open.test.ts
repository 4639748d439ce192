import { expect, test } from 'vitest'
import type { Fault } from '../../../src/core/errors.ts'
import { KeepOpen } from '../../../src/edge/listening/keep-open.ts'
import { waitFor } from '../../support/wait-for.ts'
import { keepingLogger } from '../discovery/support/edge.ts'
import { FakeClock } from '../discovery/support/fake-clock.ts'

const fault = (message: string): Fault => ({ code: 'PORT_FAILED', message, remedy: 'none' })

/** Something to keep open whose tries fail with these faults, given when they are made. */
function scene() {
  const clock = new FakeClock()
  const { logger, lines } = keepingLogger()
  const made = { tries: 0, faults: [fault('held')] as readonly Fault[] }
  const open = async () => {
    made.tries++
    return made.faults
  }
  const keepOpen = new KeepOpen({
    name: 'TCP port 8043',
    logger,
    clock,
    open,
    retry: { initialMilliseconds: 1000, maxMilliseconds: 4000 },
  })
  /** Lets the time of one delay pass, and waits for the try that follows. */
  const nextTry = async () => {
    const before = made.tries
    await waitFor(() => {
      clock.advance(1000)
      expect(made.tries).toBe(before + 1)
    })
  }
  const told = (text: string) => lines.filter((line) => line.includes(text))
  return { clock, keepOpen, made, nextTry, told }
}

test('what cannot be opened is tried again until it opens, and told once', async () => {
  const { keepOpen, made, nextTry, told } = scene()
  await keepOpen.tryNow()
  expect(keepOpen.faults).toEqual([fault('held')])
  for (let tries = 0; tries < 5; tries++) await nextTry()
  expect(told('held')).toHaveLength(1)
  expect(told('ERROR')).toHaveLength(1)
  made.faults = []
  await nextTry()
  await waitFor(() => expect(keepOpen.faults).toEqual([]))
  expect(told('TCP port 8043 is served now')).toHaveLength(1)
})

test('another reason is told too, the same one for several addresses once, and each again when it comes back', async () => {
  const { keepOpen, made, told } = scene()
  for (const faults of [
    [fault('held'), fault('held'), fault('denied')],
    [fault('denied')],
    [],
    [],
    [fault('held'), fault('denied')],
  ]) {
    made.faults = faults
    await keepOpen.tryNow()
  }
  expect(told('held')).toHaveLength(2)
  expect(told('denied')).toHaveLength(2)
  expect(told('is served now')).toHaveLength(1)
  await keepOpen.stop()
})

test('what opens at once is not tried again and not told', async () => {
  const { clock, keepOpen, made, told } = scene()
  made.faults = []
  await keepOpen.tryNow()
  clock.advance(3_600_000)
  await keepOpen.tryNow()
  expect(made.tries).toBe(2)
  expect(told('')).toEqual([])
})

test('tries are made one after the other', async () => {
  const { logger } = keepingLogger()
  let open = 0
  let most = 0
  const keepOpen = new KeepOpen({
    name: 'TCP port 8043',
    logger,
    clock: new FakeClock(),
    open: async () => {
      open++
      most = Math.max(most, open)
      await new Promise((resolve) => setImmediate(resolve))
      open--
      return []
    },
  })
  await Promise.all([keepOpen.tryNow(), keepOpen.tryNow(), keepOpen.tryNow()])
  expect(most).toBe(1)
})

test('after the stop nothing is tried any more, and nothing is wrong', async () => {
  const { clock, keepOpen, made } = scene()
  const trying = keepOpen.tryNow()
  await waitFor(() => expect(made.tries).toBe(1))
  await keepOpen.stop()
  await trying
  clock.advance(3_600_000)
  await keepOpen.tryNow()
  await keepOpen.stop()
  expect({ tries: made.tries, faults: keepOpen.faults }).toEqual({ tries: 1, faults: [] })
})
