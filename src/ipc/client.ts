import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
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

const fetchDeadline = 5000
/** Three heartbeats of the server, in milliseconds: a silent connection is a hung one. */
const silence = 45_000
/** How long a state counts as current after its connection was lost, in milliseconds. */
const grace = 5000

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
  const bounded = withDeadline(fetchDeadline, signal)
  const request = { socket: path, method: 'GET', url: '/v1/state', signal: bounded } as const
  const body = await readBody(await requestOverSocket(request), request)
  try {
    return parseState<S>(body, version)
  } catch (error) {
    throw unreachable(path, error, signal)
  }
}

/** Follows the state published on a socket, over restarts of the one who publishes it. */
export class StateSubscription<S extends Versioned> implements Component {
  readonly name = 'state-subscription'
  readonly changed = new Emitter<S | undefined>()
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #path: string
  readonly #version: S['stateVersion']
  readonly #retryMilliseconds: number
  readonly #stopping = new AbortController()
  #loop: Promise<void> | undefined
  #current: S | undefined
  #last: S | undefined
  #grace: AbortController | undefined

  /** `version`: the only one that is understood. `retryMilliseconds`: the longest pause between two tries to connect. */
  constructor(options: {
    logger: Logger
    clock: Clock
    path: string
    version?: S['stateVersion']
    retryMilliseconds?: number
  }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#path = options.path
    this.#version = options.version ?? stateVersion
    this.#retryMilliseconds = options.retryMilliseconds ?? 2000
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
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#loop = this.#run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#loop
  }

  async #run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ initialMilliseconds: 100, maxMilliseconds: this.#retryMilliseconds })
    let quiet = false
    while (!signal.aborted) {
      try {
        await this.#follow(signal, () => {
          backoff.reset()
          quiet = false
        })
      } catch (error) {
        if (signal.aborted) break
        if (!quiet) this.#logger.info({ path: this.#path }, `waiting for a state: ${messageOf(error)}`)
        quiet = true
      }
      this.#lost()
      await this.#clock.sleep(backoff.next(), signal).catch(() => {})
    }
    this.#grace?.abort()
  }

  /** Ends with an error when the connection does. */
  async #follow(signal: AbortSignal, received: () => void): Promise<never> {
    const response = await requestOverSocket({
      socket: this.#path,
      method: 'GET',
      url: '/v1/events',
      signal,
      silenceMilliseconds: silence,
    })
    try {
      if (response.statusCode !== 200) throw new Error(`it answers with HTTP status ${response.statusCode}`)
      for await (const event of readEvents(response, maxStateLength)) {
        if (event.name !== 'state') continue
        this.#receive(event.data)
        received()
      }
      throw new Error('the connection was closed')
    } finally {
      response.destroy()
    }
  }

  #receive(text: string): void {
    try {
      this.#last = parseState<S>(text, this.#version)
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
    this.#clock.sleep(grace, mine.signal).then(
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
