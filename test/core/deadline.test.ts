import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { raceAbort, withDeadline } from '../../src/core/deadline.ts'

const never = new Promise<never>(() => {})

test('a deadline aborts by itself with a TimeoutError', async () => {
  await expect(raceAbort(never, withDeadline(1, new AbortController().signal))).rejects.toMatchObject({
    name: 'TimeoutError',
  })
})

test('a deadline aborts earlier with the signal that it was given', () => {
  const abort = new AbortController()
  const signal = withDeadline(60_000, abort.signal)
  expect(signal.aborted).toBe(false)
  abort.abort(new Error('enough'))
  expect(signal.reason).toMatchObject({ message: 'enough' })
})

test('settles like the promise when that is first', async () => {
  const { signal } = new AbortController()
  await expect(raceAbort(Promise.resolve(7), signal)).resolves.toBe(7)
  await expect(raceAbort(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
})

test('rejects with the reason when the signal is first, or was before', async () => {
  const abort = new AbortController()
  const raced = raceAbort(never, abort.signal)
  abort.abort(new Error('enough'))
  await expect(raced).rejects.toThrow('enough')
  await expect(raceAbort(Promise.resolve(7), abort.signal)).rejects.toThrow('enough')
})

test('leaves no listener on a signal that lives on', async () => {
  const { signal } = new AbortController()
  for (let i = 0; i < 20; i += 1) await raceAbort(Promise.resolve(i), signal)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
