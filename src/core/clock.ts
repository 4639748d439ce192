import { setTimeout as delay } from 'node:timers/promises'

/**
 * Time, injected so that tests own it. `now` is monotonic milliseconds and never jumps: every period, deadline and age
 * uses it. `wall` is milliseconds since 1970 and may jump in either direction: for showing and for device timestamps.
 */
export interface Clock {
  now(): number
  wall(): number
  /** Waits on the monotonic clock. Rejects with the signal's reason when it aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  async sleep(milliseconds, signal) {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal })
  },
}

/** The wall clock's time in ISO 8601. */
export function isoTime(clock: Pick<Clock, 'wall'>): string {
  return new Date(clock.wall()).toISOString()
}
