import type { Component } from '../core/component.ts'
import type { Logger } from '../core/logger.ts'
import { SocketApp, sendFault } from './server-app.ts'
import type { SocketPlace } from './server-socket.ts'
import { EventStream, type EventStreamTiming } from './sse.ts'

/** A state to publish. `changed` only says that it changed: what nobody reads need not be put together. */
export interface Published<S> {
  get(): S
  readonly changed: { on(listener: () => void): () => void }
}

/**
 * Publishes a state on a unix socket, read-only: `GET /v1/state` is the state as JSON, `GET /v1/events` server-sent
 * events named `state`, each the whole state. Who may read is decided by the socket's file mode.
 */
export class StateServer<S> implements Component {
  readonly name = 'state-server'
  readonly #logger: Logger
  readonly #place: SocketPlace
  readonly #store: Published<S>
  readonly #timing: EventStreamTiming | undefined
  readonly #maxSubscribers: number | undefined
  #served: { readonly socket: SocketApp; readonly stream: EventStream; readonly unsubscribe: () => void } | undefined

  constructor(options: {
    logger: Logger
    path: string
    mode: number
    group?: number
    store: Published<S>
    timing?: EventStreamTiming
    maxSubscribers?: number
  }) {
    this.#logger = options.logger
    this.#place = options
    this.#store = options.store
    this.#timing = options.timing
    this.#maxSubscribers = options.maxSubscribers
  }

  /** @throws ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const socket = new SocketApp({ logger: this.#logger, place: this.#place })
    const stream = new EventStream({
      event: 'state',
      render: () => JSON.stringify(this.#store.get()),
      ...(this.#timing === undefined ? {} : { timing: this.#timing }),
      ...(this.#maxSubscribers === undefined ? {} : { maxSubscribers: this.#maxSubscribers }),
    })
    socket.app.get('/v1/state', async () => this.#store.get())
    socket.app.get('/v1/events', { exposeHeadRoute: false }, (_request, reply) => {
      if (!stream.hasRoom('')) {
        const message = `${stream.size} readers follow this state already`
        return sendFault(reply, 503, { code: 'HTTP_BUSY', message, remedy: 'end some of them, or try again later' })
      }
      reply.hijack()
      stream.add(reply.raw, '')
    })
    await socket.open()
    this.#served = { socket, stream, unsubscribe: this.#store.changed.on(() => stream.notify()) }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const served = this.#served
    this.#served = undefined
    served?.unsubscribe()
    served?.stream.close()
    await served?.socket.close(deadline)
  }
}
