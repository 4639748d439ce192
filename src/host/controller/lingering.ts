import type { Clock } from '../../core/clock.ts'

/** How often a controller that is being stopped is looked at, in milliseconds. */
const lookMilliseconds = 2000

/**
 * How long Java may go on after its database was closed, in milliseconds. An orderly end of 6.2 was seen to take a second or
 * two from there; what is left to do then is no database's (threads #764 and #807 of the image's repository).
 */
export const lingerMilliseconds = 20_000

export interface LingeringOptions {
  readonly clock: Clock
  /** Whether the database's port is open in the container; undefined when that cannot be told. */
  readonly databaseListens: (signal: AbortSignal) => Promise<boolean | undefined>
  /** Whether the database's lock says that it was closed in order. */
  readonly databaseClosed: (signal: AbortSignal) => Promise<boolean>
  /** Ends the container at once. */
  readonly kill: (signal: AbortSignal) => Promise<void>
  /** Aborts when the container has ended, or is not to be looked at any more. */
  readonly signal: AbortSignal
}

/** A controller that is looked after while it stops. */
export interface LookedAfter {
  /** Whether it was ended; never rejects. */
  readonly wasEnded: Promise<boolean>
}

/**
 * Looks at a controller while it stops, and ends it when its database was seen open, was closed in order, and Java goes on
 * all the same. A look that tells nothing begins the time anew: nothing is ever ended that may have its database open.
 * @returns when it has looked once, which is to be before the stop: a database may close within a moment; never rejects
 */
export async function lookAfter(options: LingeringOptions): Promise<LookedAfter> {
  const seenOpen = await options.databaseListens(options.signal).catch(() => undefined)
  return { wasEnded: endLingering(options, seenOpen === true) }
}

async function endLingering(options: LingeringOptions, openBefore: boolean): Promise<boolean> {
  const { clock, signal, kill } = options
  let seenOpen = openBefore
  let closedAt: number | undefined
  let killing = false
  try {
    for (;;) {
      const listens = await options.databaseListens(signal)
      if (listens === true) seenOpen = true
      const closed = seenOpen && listens === false && (await options.databaseClosed(signal))
      if (!closed) closedAt = undefined
      else {
        closedAt ??= clock.now()
        if (clock.now() - closedAt >= lingerMilliseconds) {
          killing = true
          await kill(signal)
          return true
        }
      }
      await clock.sleep(lookMilliseconds, signal)
    }
  } catch {
    // It has ended, which the engine may tell before it answers who ended it, or cannot be looked at, and then has all of its grace.
    return killing && signal.aborted
  }
}
