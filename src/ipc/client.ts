import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import { type Loop, loopOf } from '../core/component.ts'
import { withDeadline } from '../core/deadline.ts'
import { Emitter } from '../core/emitter.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { maxStateLength, readBody, requestOverSocket, unreachable } from './client-request.ts'
import { stateVersion } from './host-state.ts'
import { readEvents } from './sse-reader.ts'

/** Whatever a StateServer publishes. */
export interface Versioned {
  readonly stateVersion: number | string
}

const fetchMilliseconds = 5000
/** The first pause between two tries: at the machine's start both halves begin at once, and the one is soon there for the other. */
const firstRetryMilliseconds = 20
/** Three heartbeats of the server: a silent connection is a hung one. */
const silenceMilliseconds = 45_000
/** How long a state counts as current after its connection was lost. */
const graceMilliseconds = 5000

/**
 * The state published on a socket, once.
 * @param version the only one that is understood
 * @throws ApplianceError APPLIANCE_UNREACHABLE when there is none within 5 s or it is of another version; the signal's reason
 */
export async function fetchState<S extends Versioned>(
  path: string,
  signal: AbortSignal,
  version: S['stateVersion'] = stateVersion,
): Promise<S> {
  const bounded = withDeadline(fetchMilliseconds, signal)
  const request = { socket: path, method: 'GET', url: '/v1/state', signal: bounded } as const
  const body = await readBody(await requestOverSocket(request), request)
  try {
    return parseState<S>(body, version)
  } catch (error) {
    throw unreachable(path, error, signal)
  }
}

/** What a subscription follows, and by which clock. */
export interface SubscriptionOptions<S extends Versioned> {
  readonly logger: Logger
  readonly clock: Clock
  readonly path: string
  /** The only one that is understood. */
  readonly version?: S['stateVersion']
  /** The longest pause between two tries to connect. */
  readonly retryMilliseconds?: number
}

/** Follows the state published on a socket, over restarts of the one who publishes it. */
export class StateSubscription<S extends Versioned> implements Loop {
  readonly name = 'state-subscription'
  readonly changed = new Emitter<S | undefined>()
  readonly #options: Required<SubscriptionOptions<S>>
  readonly #loop = loopOf(this.name, (signal) => this.#run(signal))
  #current: S | undefined
  #last: S | undefined
  #grace: AbortController | undefined

  constructor(options: SubscriptionOptions<S>) {
    this.#options = { version: stateVersion, retryMilliseconds: 2000, ...options }
  }

  /** The state; undefined before the first connection, 5 s after it was lost, and when its version is not ours. */
  current(): S | undefined {
    return this.#current
  }

  /** The last state that was ever received. */
  last(): S | undefined {
    return this.#last
  }

  /** Resolves at once: whoever publishes may come later. */
  start(signal: AbortSignal): Promise<void> {
    return this.#loop.start(signal)
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { logger, clock, path, retryMilliseconds } = this.#options
    const backoff = new Backoff({ initialMilliseconds: firstRetryMilliseconds, maxMilliseconds: retryMilliseconds })
    let quiet = false
    while (!signal.aborted) {
      try {
        for await (const text of publishedStates(path, signal)) {
          this.#receive(text)
          backoff.reset()
          quiet = false
        }
      } catch (error) {
        if (signal.aborted) break
        if (!quiet) logger.info({ path }, `waiting for a state: ${messageOf(error)}`)
        quiet = true
      }
      this.#lost()
      await clock.sleep(backoff.next(), signal).catch(() => {})
    }
    this.#grace?.abort()
  }

  #receive(text: string): void {
    try {
      this.#last = parseState<S>(text, this.#options.version)
    } catch (error) {
      this.#forget()
      throw error
    }
    this.#grace?.abort()
    this.#grace = undefined
    this.#current = this.#last
    this.changed.emit(this.#current)
  }

  #lost(): void {
    if (this.#current === undefined || this.#grace !== undefined) return
    const mine = new AbortController()
    this.#grace = mine
    this.#options.clock.sleep(graceMilliseconds, mine.signal).then(
      () => this.#forget(),
      () => {},
    )
  }

  #forget(): void {
    if (this.#current === undefined) return
    this.#current = undefined
    this.changed.emit(undefined)
  }
}

/** The text of each state that is published from now on. @throws Error when the connection ends */
async function* publishedStates(socket: string, signal: AbortSignal): AsyncGenerator<string, never> {
  const request = { socket, method: 'GET', url: '/v1/events', signal, silenceMilliseconds } as const
  const response = await requestOverSocket(request)
  try {
    if (response.statusCode !== 200) throw new Error(`it answers with HTTP status ${response.statusCode}`)
    for await (const { name, data } of readEvents(response, maxStateLength)) if (name === 'state') yield data
    throw new Error('the connection was closed')
  } finally {
    response.destroy()
  }
}

/** @throws Error when the text is not a state of the expected version */
function parseState<S extends Versioned>(text: string, expected: S['stateVersion']): S {
  const state: unknown = JSON.parse(text)
  const version =
    typeof state === 'object' && state !== null && 'stateVersion' in state ? state.stateVersion : undefined
  if (version !== expected) {
    throw new Error(`its state has version ${String(version)}, this program reads ${expected}; restart both halves`)
  }
  return state as S
}
