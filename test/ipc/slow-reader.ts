import { expect } from 'vitest'
import { waitFor } from '../support/wait-for.ts'

/** A subscriber of an event stream, and what it got so far. */
export interface Subscriber {
  readonly socket: { pause(): void; resume(): void; destroy(): void }
  readonly text: string
  readonly closed: boolean
}

/**
 * A subscriber that does not read is dropped, and the others go on. `publish` makes `ballast` part of the next event: it is
 * far more than the sockets' buffers hold.
 */
export async function expectSlowReaderDropped(options: {
  subscribe: () => Subscriber
  publish: (ballast: string) => void
  ballastLength: number
}): Promise<void> {
  const slow = options.subscribe()
  await waitFor(() => expect(slow.text).toContain('event: '))
  slow.socket.pause()
  const quick = options.subscribe()
  const ballast = 'x'.repeat(options.ballastLength)
  options.publish(ballast)
  // Not by a matcher of texts: it would print them, megabytes at every look.
  await waitFor(() => expect(quick.text.includes(ballast)).toBe(true))
  const heartbeats = () => quick.text.split('\n:\n').length - 1
  const before = heartbeats()
  await waitFor(() => expect(heartbeats()).toBeGreaterThan(before + 3))
  slow.socket.resume()
  await waitFor(() => expect(slow.closed).toBe(true))
  expect(slow.text.length).toBeLessThan(ballast.length)
  expect(quick.closed).toBe(false)
  quick.socket.destroy()
}
