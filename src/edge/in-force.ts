import { isDeepStrictEqual } from 'node:util'
import { type Applied, apply, needsRestart, type Restarted } from '../config/apply.ts'
import type { CertificatePair } from '../config/certificate.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import { raceAbort, withDeadline } from '../core/deadline.ts'
import { Emitter } from '../core/emitter.ts'
import type { Fault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { channelVersion, type EdgePart, type EdgeSettings } from '../ipc/channel.ts'
import { fetchState, StateSubscription } from '../ipc/client.ts'
import type { Paths } from '../ipc/paths.ts'
import { KeptPart } from './kept-part.ts'

/** Longest wait of an edge that could start from what it kept for the word of its host, in milliseconds. */
const answerMilliseconds = 1000

/** Longest pause between two tries to reach the host, in milliseconds: whoever starts both waits for the edge, too. */
const retryMilliseconds = 200

export interface InForceOptions {
  readonly paths: Pick<Paths, 'channelSocket' | 'edgeKeptFile'>
  /** This program's. */
  readonly version: string
  /** What a user restarts to restart the edge. */
  readonly restarted: Restarted
  readonly logger: Logger
  readonly clock: Clock
  /** Called when there is nothing to start from until the host says what is in force. */
  readonly waiting: () => void
}

/**
 * What is in force in the edge: what the host says by the channel, now and whenever it changes; until the host has spoken,
 * what it said last before the edge was restarted. What needs a restart of the edge stays a warning.
 */
export class InForce implements Component {
  readonly name = 'in-force'
  /** Something is in force that was not before. */
  readonly changed = new Emitter<void>()
  /** There is another certificate. */
  readonly certificateRenewed = new Emitter<void>()
  readonly #options: InForceOptions
  readonly #version: string
  readonly #channel: StateSubscription<EdgePart>
  readonly #kept: KeptPart
  #part: EdgePart | undefined
  #started: EdgeSettings | undefined
  #applied: Applied<EdgeSettings> | undefined

  constructor(options: InForceOptions) {
    const { paths } = options
    const version = channelVersion(options.version)
    this.#options = options
    this.#version = version
    this.#channel = new StateSubscription({ ...options, path: paths.channelSocket, version, retryMilliseconds })
    this.#kept = new KeptPart({ ...options, path: paths.edgeKeptFile, version })
  }

  /** Resolves when there is something in force, which an edge that was never told has to wait for. */
  async start(signal: AbortSignal): Promise<void> {
    const first = (await this.#ask(signal)) ?? (await this.#kept.read())
    await this.#channel.start(signal)
    const spoken = Promise.withResolvers<void>()
    this.#channel.changed.on((part) => {
      if (part === undefined) return
      this.#take(part)
      spoken.resolve()
    })
    if (first !== undefined) return this.#take(first)
    const { logger, paths, waiting } = this.#options
    logger.info({ path: paths.channelSocket }, 'waiting for omada-host to say what is in force')
    waiting()
    try {
      await raceAbort(spoken.promise, signal)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.#channel.stop()
    await this.#kept.stop()
  }

  /**
   * Forgets what was kept, after `stop`: who ends the edge in order, and starts it together with the host after a change,
   * is not to be served by what was before. What ends out of order comes back to it.
   */
  async forget(): Promise<void> {
    await this.#kept.forget()
  }

  /** Replaced by another object when it changes, and never written into. */
  get config(): EdgeSettings {
    if (this.#applied === undefined) throw new Error('nothing is in force before the start')
    return this.#applied.inForce
  }

  /** The user's own; undefined when there is none. */
  get certificate(): CertificatePair | undefined {
    return this.#part?.certificate
  }

  /** The address of the container that runs, or that ran last; before the first one, the one that it will get. */
  get controllerAddress(): string {
    return this.#part?.runningAddress ?? this.config.network.controllerAddress
  }

  warnings(): readonly Fault[] {
    const pending = (this.#applied?.pending ?? []).map(({ key }) => key)
    return pending.length === 0 ? [] : [needsRestart(pending, this.#options.restarted)]
  }

  /** What the host says now; undefined when it is away. */
  async #ask(signal: AbortSignal): Promise<EdgePart | undefined> {
    try {
      const path = this.#options.paths.channelSocket
      return await fetchState<EdgePart>(path, withDeadline(answerMilliseconds, signal), this.#version)
    } catch {
      signal.throwIfAborted()
      return undefined
    }
  }

  #take(part: EdgePart): void {
    const before = this.#part
    // A certificate that the host cannot read any more is no reason to do without the one at hand, nor is a container that
    // ended one to look for the next elsewhere.
    const { certificate = before?.certificate, runningAddress = before?.runningAddress } = part
    const now: EdgePart = { ...part, certificate, runningAddress }
    if (isDeepStrictEqual(now, before)) return
    this.#part = now
    this.#kept.keep(now)
    this.#apply(now)
    if (!isDeepStrictEqual(certificate, before?.certificate)) this.certificateRenewed.emit()
    this.changed.emit()
  }

  #apply({ config, needs }: EdgePart): void {
    this.#started ??= config
    const now = { started: this.#started, inForce: this.#applied?.inForce ?? config }
    this.#applied = apply(now, config, { process: 'edge', needs })
    const taken = this.#applied.applied.join(', ')
    if (taken !== '') this.#options.logger.info(`taken over from the changed configuration: ${taken}`)
  }
}
