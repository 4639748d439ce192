import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { FastifyInstance } from 'fastify'
import type { EdgeConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { raceAbort } from '../../core/deadline.ts'
import type { Emitter } from '../../core/emitter.ts'
import type { Logger } from '../../core/logger.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import { answerFaults, createApp } from '../../ipc/server-app.ts'
import { defaultTiming, EventStream, type EventStreamTiming } from '../../ipc/sse.ts'
import type { AccessPolicy } from '../../network/access.ts'
import { ListeningPort, wildcards } from '../listening/listening-port.ts'
import { answerClientError, maxHeaderBytes } from './client-errors.ts'
import { ConnectionGuard } from './connection-guard.ts'
import { ownDomainsOf } from './host-header.ts'
import { addRoutes } from './routes.ts'
import { StatusSnapshot, type StatusSources } from './snapshot.ts'

/** Bounds on slow clients, in milliseconds; a test shortens them. */
export interface StatusTiming extends EventStreamTiming {
  /** How long a client may take to send a whole request. */
  readonly requestMilliseconds: number
}

const maxPerSource = 32
/** Some connections of a client stay free for requests. */
const maxStreamsPerSource = 16
/** The controller's HTTPS interface; clients must see its own number (omada/ports.ts). */
const controllerPort = 8043

export interface StatusServerOptions {
  readonly config: EdgeConfig
  readonly logger: Logger
  readonly clock: Clock
  readonly sources: StatusSources
  /** Whoever may see the page. */
  readonly access: AccessPolicy
  /** Told whenever a source has something new. */
  readonly changed: Emitter<void>
  readonly timing?: StatusTiming
}

/**
 * The status page and its API. A port that cannot be opened is told in `state()` and tried again: it never takes the
 * edge down.
 */
export class StatusServer implements Component {
  readonly name = 'status'
  readonly #options: StatusServerOptions
  readonly #timing: StatusTiming
  readonly #snapshot: StatusSnapshot
  readonly #guard: ConnectionGuard
  readonly #stream: EventStream
  readonly #listener: ListeningPort<FastifyInstance>
  #unsubscribe: (() => void) | undefined

  constructor(options: StatusServerOptions) {
    this.#options = options
    this.#timing = options.timing ?? { ...defaultTiming, requestMilliseconds: 10_000 }
    this.#snapshot = new StatusSnapshot(options)
    this.#guard = new ConnectionGuard({ access: options.access, maxPerSource })
    this.#stream = new EventStream({
      event: 'status',
      render: () => this.#snapshot.statusJson(),
      // Whoever shows devices too asks for them again when something about them changed.
      id: () => hash('sha1', this.#snapshot.devicesJson()),
      timing: this.#timing,
      maxPerSource: maxStreamsPerSource,
    })
    this.#listener = new ListeningPort({
      target: { port: options.config.status.port, purpose: 'the status page', setting: 'status.port' },
      hosts: wildcards(options.config.proxy.listen),
      listen: (host) => this.#listen(host),
      logger: options.logger,
      clock: options.clock,
    })
  }

  state(): ListenerState {
    return {
      protocol: 'tcp',
      address: '*',
      port: this.#options.config.status.port,
      refused: this.#guard.refused,
      ...this.#listener.state(),
    }
  }

  /** Resolves when the port is open or has been found not to be; it is then tried again in the background. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#unsubscribe = this.#options.changed.on(() => {
      this.#snapshot.invalidate()
      this.#stream.notify()
    })
    await this.#listener.start()
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#unsubscribe?.()
    this.#stream.close()
    const app = await this.#listener.stop()
    if (app !== undefined) await raceAbort(app.close(), deadline)
  }

  /** A Fastify app cannot listen again after it failed to: each try has its own. */
  async #listen(host: string): Promise<FastifyInstance> {
    const { requestMilliseconds } = this.#timing
    const app = createApp({
      requestTimeout: requestMilliseconds,
      // Longer than a heartbeat: a connection without any traffic for so long is dead, or does not read.
      connectionTimeout: 4 * this.#timing.heartbeatMilliseconds,
      keepAliveTimeout: 10_000,
      http: {
        maxHeaderSize: maxHeaderBytes,
        connectionsCheckingInterval: requestMilliseconds / 5,
      },
      clientErrorHandler: answerClientError,
    })
    app.server.on('error', (error) => this.#options.logger.warn({ err: error }, 'a connection could not be accepted'))
    this.#guard.watch(app.server)
    answerFaults(app, this.#options.logger)
    addRoutes(app, {
      snapshot: this.#snapshot,
      stream: this.#stream,
      guard: this.#guard,
      ownDomains: ownDomainsOf(hostname(), readResolvConf()),
      controllerPort,
    })
    try {
      await app.listen({ host, port: this.#options.config.status.port })
      return app
    } catch (error) {
      await app.close()
      throw error
    }
  }
}

function readResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
