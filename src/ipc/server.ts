import type { Logger } from '../core/logger.ts'
import { SocketServer, sendFault } from './server-app.ts'
import type { SocketPlace } from './server-socket.ts'
import { defaultTiming, EventStream, type EventStreamOptions } from './sse.ts'

/** A state to publish. `changed` only says that it changed: what nobody reads need not be put together. */
export interface Published<S> {
  get(): S
  readonly changed: { on(listener: () => void): () => void }
}

/**
 * Publishes a state on a unix socket, read-only: `GET /v1/state` is the state as JSON, `GET /v1/events` server-sent
 * events named `state`, each the whole state. Who may read is decided by the socket's file mode.
 */
export class StateServer<S> extends SocketServer {
  constructor(
    options: SocketPlace &
      Partial<Pick<EventStreamOptions, 'timing' | 'maxSubscribers'>> & { logger: Logger; store: Published<S> },
  ) {
    const { logger, store, timing = defaultTiming } = options
    super({
      name: 'state-server',
      logger,
      place: options,
      routes: (app) => {
        const render = () => JSON.stringify(store.get())
        const stream = new EventStream({ ...options, event: 'state', render, timing })
        app.get('/v1/state', async () => store.get())
        app.get('/v1/events', { exposeHeadRoute: false }, (_request, reply) => {
          if (!stream.hasRoom('')) {
            const message = `${stream.size} readers follow this state already`
            return sendFault(reply, 503, { code: 'HTTP_BUSY', message, remedy: 'end some of them, or try again later' })
          }
          reply.hijack()
          stream.add(reply.raw, '')
        })
        const unsubscribe = store.changed.on(() => stream.notify())
        return () => {
          unsubscribe()
          stream.close()
        }
      },
    })
  }
}
