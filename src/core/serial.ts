import { raceAbort } from './deadline.ts'

/** Most that may wait for their turn. Whoever asks for more at once has a defect, which is better seen than kept in memory. */
const maxWaiting = 1000

/**
 * One after the other, in the order of asking. The package async-mutex does as much, but what waits there can neither be
 * given up by an AbortSignal nor bounded.
 */
export class Serial {
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  /**
   * Runs `work` when all that was asked for before has ended, well or badly, and settles as it does.
   * @param signal gives up the wait, not the work
   * @throws the signal's reason, or an Error when too many wait
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#waiting >= maxWaiting) throw new Error(`more than ${maxWaiting} wait for their turn`)
    const before = this.#last
    const turn = Promise.withResolvers<void>()
    // After the one before, even if this one gives up its wait.
    this.#last = before.then(() => turn.promise)
    this.#waiting += 1
    try {
      await (signal === undefined ? before : raceAbort(before, signal)).finally(() => {
        this.#waiting -= 1
      })
      return await work()
    } finally {
      turn.resolve()
    }
  }

  /** Resolves when all that was asked for so far has ended. */
  idle(): Promise<void> {
    return this.#last
  }
}
