import { setTimeout as delay } from 'node:timers/promises'
import { messageOf } from '../../src/core/errors.ts'

/**
 * Reads until the value is accepted and returns it; a read that throws is read again.
 * @throws Error with the last value or error, after the time (default 30 s)
 */
export async function eventually<T>(
  read: () => Promise<T>,
  accept: (value: T) => boolean,
  milliseconds = 30_000,
): Promise<T> {
  const end = performance.now() + milliseconds
  for (;;) {
    let last: string
    try {
      const value = await read()
      if (accept(value)) return value
      last = JSON.stringify(value)
    } catch (error) {
      last = messageOf(error)
    }
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms; at last: ${last?.slice(0, 2000)}`)
    await delay(50)
  }
}
