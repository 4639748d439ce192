import { raceAbort } from '../../core/deadline.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import type { Want } from './state.ts'

interface Request extends Omit<PromiseWithResolvers<void>, 'promise'> {
  readonly number: number
  /** Waits through faults of the engine's connection instead of failing with them. */
  readonly patient: boolean
}

/** Who waits for what comes of a request. Each waits for a pass that began after it and came to an end. */
export class Requests {
  readonly #waiting = new Set<Request>()
  #last = 0

  /** The number of the newest request. A pass that begins now settles all up to it. */
  get last(): number {
    return this.#last
  }

  /** Resolves when a pass that began after this call reached what is desired; rejects with its fault. */
  async add({ signal, patient }: { signal: AbortSignal; patient: boolean }): Promise<void> {
    this.#last += 1
    const { promise, ...settling } = Promise.withResolvers<void>()
    const request: Request = { number: this.#last, patient, ...settling }
    this.#waiting.add(request)
    try {
      await raceAbort(promise, signal)
    } finally {
      this.#waiting.delete(request)
    }
  }

  /** Tells all requests up to `number` how the pass ended. `lasting` faults reach patient requests too. */
  settle(number: number, fault?: Fault, lasting = true): void {
    for (const request of [...this.#waiting]) {
      if (request.number > number) continue
      if (fault === undefined) request.resolve()
      else if (lasting || !request.patient) request.reject(new ApplianceError(fault))
    }
  }
}

/** What is told to whoever asked for something else than is wanted now. */
export function superseded(wanted: Want): ApplianceError {
  if (wanted === 'end') {
    return new ApplianceError({
      code: 'COMMAND_REFUSED',
      message: 'omada-host is being stopped, and the controller with it',
      remedy: 'systemctl start omada-host',
    })
  }
  const asked = wanted === 'stop' ? 'stopped' : 'started'
  return new ApplianceError({
    code: 'COMMAND_REFUSED',
    message: `somebody else asked meanwhile that the controller be ${asked}`,
    remedy: 'see how things stand with omada-host status, and ask again',
  })
}
