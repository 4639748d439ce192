import type { Server, Socket } from 'node:net'
import type { EdgeConfig } from '../../config/schema.ts'
import type { BackoffOptions } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import { withDeadline } from '../../core/deadline.ts'
import type { Logger } from '../../core/logger.ts'
import { QuietLog } from '../../core/quiet-log.ts'
import type { ProxyPortState } from '../../ipc/edge-state.ts'
import { webPorts } from '../../omada/ports.ts'
import { ListeningPort, wildcards } from '../listening/listening-port.ts'
import { ClientConnections } from './counters.ts'
import type { ProxyDependencies } from './dependencies.ts'
import { ConnectionLimits } from './limits.ts'
import { listen } from './listener.ts'
import { PortProxy, type SharedByPorts } from './port-proxy.ts'
import { WaitingRoom } from './waiting-room/waiting-room.ts'

/** What tests set otherwise than the product does. */
export interface ProxyTuning {
  /** Addresses to listen on: the first that the machine can have. */
  readonly hosts?: readonly string[]
  readonly webPorts?: typeof webPorts
  readonly retry?: BackoffOptions
  readonly visitMilliseconds?: number
}

/** What clients cause is logged once in so long, by kind and port. */
const quietMilliseconds = 10_000

/** The controller's TCP ports on this machine: each connection goes to the controller's port of the same number. */
export class TcpProxy implements Component {
  readonly name = 'proxy'
  readonly #logger: Logger
  readonly #drainMilliseconds: number
  readonly #clientConnections = new ClientConnections()
  readonly #waitingRoom: WaitingRoom
  readonly #ports: readonly { readonly proxy: PortProxy; readonly listener: ListeningPort<Server> }[]
  #stopping: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(options: {
    config: EdgeConfig
    logger: Logger
    clock: Clock
    dependencies: ProxyDependencies
    tuning?: ProxyTuning
  }) {
    const { config, logger, clock, dependencies, tuning = {} } = options
    this.#logger = logger
    this.#drainMilliseconds = config.proxy.drainSeconds * 1000
    const numbers = [...new Set(config.proxy.ports)]
    const web = new Map((tuning.webPorts ?? webPorts).map(({ port, tls }) => [port, tls]))
    this.#waitingRoom = new WaitingRoom({
      ...{ logger, clock, dependencies, statusPort: config.status.port },
      tls: numbers.some((port) => web.get(port) === true),
      visitMilliseconds: tuning.visitMilliseconds,
    })
    const shared: SharedByPorts = {
      dependencies,
      clientConnections: this.#clientConnections,
      limits: new ConnectionLimits({
        maxTotal: config.proxy.maxConnections,
        maxPerSource: config.proxy.maxConnectionsPerSource,
        isWeb: (port) => web.has(port),
      }),
      logger,
      quietLog: new QuietLog({ logger, clock, periodMilliseconds: quietMilliseconds }),
      connectMilliseconds: config.proxy.connectTimeoutSeconds * 1000,
      idleMilliseconds: config.proxy.idleTimeoutSeconds * 1000,
      closed: () => this.#socketClosed(),
    }
    const hosts = tuning.hosts ?? wildcards(config.proxy.listen)
    this.#ports = numbers.map((port) => {
      const tls = web.get(port)
      const waitingRoom = (client: Socket) => this.#waitingRoom.receive(client, tls === true)
      const proxy = new PortProxy({ port, shared, waitingRoom: tls === undefined ? undefined : waitingRoom })
      const onConnection = (client: Socket) => proxy.accept(client)
      const onAcceptError = (error: Error) => proxy.shed(error)
      const listener = new ListeningPort({
        target: { port, setting: 'proxy.ports' },
        hosts,
        listen: (host) => listen({ host, port, onConnection, onAcceptError }),
        logger,
        clock,
        retry: tuning.retry,
      })
      return { proxy, listener }
    })
  }

  /** Resolves when every port was tried once. A port that cannot be opened is `failed` and does not reject. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.#waitingRoom.start()
    signal.throwIfAborted()
    await Promise.all(this.#ports.map(({ listener }) => listener.start()))
  }

  /** To be called when the user's certificate is another one. */
  async renewCertificate(): Promise<void> {
    await this.#waitingRoom.renewCertificate()
  }

  /** Accepts no more, lets connections finish for `proxy.drainSeconds` or until `deadline` aborts, then closes all. */
  stop(deadline: AbortSignal): Promise<void> {
    this.#stopping ??= this.#drain(deadline)
    return this.#stopping
  }

  state(): readonly ProxyPortState[] {
    return this.#ports.map(({ proxy, listener }) => {
      const draining = this.#stopping !== undefined && proxy.openSockets > 0
      return {
        port: proxy.port,
        ...(draining ? { state: 'draining' } : listener.state()),
        ...proxy.counters.snapshot(),
      }
    })
  }

  /** Connections of a client address to the controller on one port: open now, and why the last one was refused. */
  connectionsFrom(port: number, address: string): { open: number; lastRefusal?: string } {
    return this.#clientConnections.lookup(port, address)
  }

  #openSockets(): number {
    return this.#ports.reduce((sum, { proxy }) => sum + proxy.openSockets, 0)
  }

  async #drain(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#ports.map(async ({ listener }) => (await listener.stop())?.close()))
    const open = this.#openSockets()
    if (open > 0) this.#logger.info({ sockets: open }, 'letting connections finish')
    await this.#empty(withDeadline(this.#drainMilliseconds, deadline))
    const left = this.#openSockets()
    if (left > 0) this.#logger.info({ sockets: left }, 'closing the connections that did not finish')
    for (const { proxy } of this.#ports) proxy.closeAll()
    await this.#empty()
  }

  /** Resolves when no socket is open, or when `deadline` aborts. */
  #empty(deadline?: AbortSignal): Promise<void> {
    if (this.#openSockets() === 0 || deadline?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
      deadline?.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #socketClosed(): void {
    if (this.#drained !== undefined && this.#openSockets() === 0) this.#drained()
  }
}
