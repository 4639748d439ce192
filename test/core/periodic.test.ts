import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createLogger } from '../../src/core/logger.ts'
import { periodic } from '../../src/core/periodic.ts'
import { waitFor } from '../support/wait-for.ts'

const never = new AbortController().signal

function looking(work: (signal: AbortSignal) => Promise<void> | void) {
  const lines: string[] = []
  const logger = createLogger({ level: 'warn', format: 'journal', write: (line) => lines.push(line) })
  return { component: periodic({ name: 'look', logger, clock: systemClock, intervalMilliseconds: 1, work }), lines }
}

test('runs at once and again, never two at a time', async () => {
  let running = 0
  let most = 0
  let runs = 0
  const { component } = looking(async () => {
    running += 1
    most = Math.max(most, running)
    await systemClock.sleep(2)
    running -= 1
    runs += 1
  })
  await component.start(never)
  await waitFor(() => expect(runs).toBeGreaterThan(3))
  await component.stop()
  expect(most).toBe(1)
})

test('a run that throws is logged and does not end the rhythm', async () => {
  let runs = 0
  const { component, lines } = looking(() => {
    runs += 1
    throw new Error('no such file')
  })
  await component.start(never)
  await waitFor(() => expect(runs).toBeGreaterThan(2))
  await component.stop()
  expect(lines[0]).toBe('<4>look failed; it will be tried again (no such file)\n')
})

test('stop aborts the run that is under way and waits for it', async () => {
  let ended = false
  const { component } = looking(async (signal) => {
    await systemClock.sleep(60_000, signal).finally(() => {
      ended = true
    })
  })
  await component.start(never)
  await component.stop()
  expect(ended).toBe(true)
})
