import type { Server, Socket } from 'node:net'
import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { listen, listenFault } from './listen.ts'

/** Delays between tries to open a port. */
export interface Retry {
  readonly initialMilliseconds: number
  readonly maxMilliseconds: number
}

const patientRetry: Retry = { initialMilliseconds: 1000, maxMilliseconds: 30_000 }

/**
 * One listening port. A port that cannot be opened does not keep the others from serving: it is `failed`, with the
 * reason, and tried again until it opens. `onConnection` owns each accepted socket; `onAcceptError` hears of a
 * connection that could not be accepted, after which the port goes on.
 */
export class Listener {
  readonly #port: number
  readonly #hosts: readonly string[]
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #backoff: Backoff
  readonly #onConnection: (client: Socket) => void
  readonly #onAcceptError: (error: Error) => void
  readonly #stopping = new AbortController()
  #server: Server | undefined
  #fault: Fault | undefined
  #retrying: Promise<void> | undefined

  constructor(options: {
    port: number
    hosts: readonly string[]
    logger: Logger
    clock: Clock
    retry?: Retry
    onConnection: (client: Socket) => void
    onAcceptError: (error: Error) => void
  }) {
    this.#port = options.port
    this.#hosts = options.hosts
    this.#logger = options.logger
    this.#clock = options.clock
    this.#backoff = new Backoff(options.retry ?? patientRetry)
    this.#onConnection = options.onConnection
    this.#onAcceptError = options.onAcceptError
  }

  /** `reason` is there when `failed`. */
  state(): { state: 'listening' | 'failed' | 'closed'; reason?: Fault } {
    if (this.#server !== undefined) return { state: 'listening' }
    return this.#fault === undefined ? { state: 'closed' } : { state: 'failed', reason: this.#fault }
  }

  /** Resolves after the first try, whatever came of it. */
  async start(): Promise<void> {
    if (!(await this.#open())) this.#retrying = this.#retry()
  }

  /** Accepts no more. Connections that were accepted are their owner's. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#retrying
    this.#server?.close()
    this.#server = undefined
    this.#fault = undefined
  }

  async #retry(): Promise<void> {
    const { signal } = this.#stopping
    do {
      await this.#clock.sleep(this.#backoff.next(), signal).catch(() => {})
    } while (!signal.aborted && !(await this.#open()))
  }

  async #open(): Promise<boolean> {
    try {
      const server = await listen(this.#hosts, this.#port, this.#onConnection)
      server.on('error', this.#onAcceptError)
      this.#server = server
      if (this.#fault !== undefined) this.#logger.info({ port: this.#port }, 'the port is open at last')
      this.#fault = undefined
      return true
    } catch (error) {
      const fault = listenFault(this.#port, error)
      if (fault.message !== this.#fault?.message) this.#logger.error({ ...fault, port: this.#port }, fault.message)
      this.#fault = fault
      return false
    }
  }
}
