import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Backoff } from '../core/backoff.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { raceAbort } from '../core/deadline.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

/**
 * What the edge may inherit. Not the whole environment: OMADA_HOST_MONGO_URI may hold a password, and with NOTIFY_SOCKET
 * the edge would tell systemd that the appliance is ready when only the edge is.
 */
const inherited = ['PATH', 'LANG', 'TZ', 'TMPDIR', 'JOURNAL_STREAM', 'NODE_OPTIONS']

/** An edge that served for this long before it died is started again at once, in milliseconds. */
const stableAfter = 30_000

/**
 * The edge as a child process, for a machine without systemd: started again with backoff when it dies, told to stop by
 * SIGTERM. It leads a session of its own, so that Ctrl-C in a terminal reaches only its parent, which stops it in order;
 * should the parent be killed, the closed IPC channel ends it.
 */
export class EdgeProcess implements Component {
  readonly name = 'edge-process'
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #command: readonly string[]
  readonly #handover: unknown
  readonly #stopping = new AbortController()
  readonly #backoff = new Backoff({ initialMilliseconds: 250, maxMilliseconds: 30_000 })
  #child: ChildProcess | undefined
  #loop: Promise<void> | undefined

  /** `handover` is the first message to the child: what it may know, sent by IPC because it holds a private key. */
  constructor(options: { logger: Logger; clock: Clock; command: readonly string[]; handover: unknown }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#command = options.command
    this.#handover = options.handover
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#loop = this.#keepAlive()
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort()
    this.#child?.kill('SIGTERM')
    try {
      await raceAbort(this.#loop ?? Promise.resolve(), deadline)
    } catch {
      // Nothing is lost with an edge that hangs: it holds no data.
      this.#child?.kill('SIGKILL')
      await this.#loop
    }
  }

  async #keepAlive(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const bornAt = this.#clock.now()
      const end = await this.#runOnce()
      if (signal.aborted) return
      if (this.#clock.now() - bornAt >= stableAfter) this.#backoff.reset()
      const delay = this.#backoff.next()
      this.#logger.error({ end, retryMilliseconds: delay }, 'the edge process died; it is started again')
      await this.#clock.sleep(delay, signal).catch(() => {})
    }
  }

  /** Resolves with how the child ended, never rejects. */
  async #runOnce(): Promise<string> {
    const [program = '', ...argv] = this.#command
    const child = spawn(program, argv, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
      env: Object.fromEntries(inherited.map((name) => [name, process.env[name]])),
    })
    this.#child = child
    child.on('error', (error) => this.#logger.error({ err: error }, 'edge process'))
    if (child.pid === undefined) return 'could not be started'
    const exited = once(child, 'exit') as Promise<[number | null, string | null]>
    child.send(this.#handover as object, (error) => {
      if (error !== null) this.#logger.debug({ err: error }, 'handover to the edge process')
    })
    try {
      const [code, killedBy] = await exited
      return killedBy === null ? `exit code ${code}` : `signal ${killedBy}`
    } catch (error) {
      return messageOf(error)
    } finally {
      this.#child = undefined
    }
  }
}
