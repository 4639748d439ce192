import type { Server } from 'node:http'
import fastify, { type FastifyError, type FastifyHttpOptions, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Component } from '../core/component.ts'
import { raceAbort } from '../core/deadline.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { plainText } from '../core/text.ts'
import { publishSocket, type SocketPlace } from './server-socket.ts'

/**
 * An app without JSON schemas: requests are checked by zod, where there is anything to check. Fastify loads their compilers,
 * Ajv and fast-json-stringify, unless it is given others: half of what it brings along, in memory and in time to start.
 */
export function createApp(options: FastifyHttpOptions<Server>): FastifyInstance {
  const none = () => {
    throw new Error('this app has no compiler of JSON schemas')
  }
  const schemaController = { compilersFactory: { buildValidator: none, buildSerializer: none } }
  return fastify({ ...options, logger: false, bodyLimit: 1024, forceCloseConnections: true, schemaController })
}

/** Answers with a fault as JSON `{code, message, remedy}`. */
export function sendFault(reply: FastifyReply, status: number, fault: Fault): FastifyReply {
  return refuse(reply, status).send(fault)
}

function refuse(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store')
}

/** Makes every error of an app's routes JSON `{code, message, remedy}`, several `{faults: […]}`; defects are logged. */
export function answerFaults(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof ApplianceError) return sendFault(reply, 409, error.fault)
    if (error instanceof ApplianceErrors) return refuse(reply, 409).send({ faults: error.faults })
    const status = error.statusCode ?? 500
    if (status < 500) {
      const remedy = 'correct the request'
      return sendFault(reply, status, { code: 'HTTP_REQUEST', message: error.message, remedy })
    }
    logger.error({ err: error, url: request.url }, 'a request failed')
    return sendFault(reply, 500, toFault(error))
  })
  app.setNotFoundHandler((request, reply) =>
    sendFault(reply, 404, {
      code: 'HTTP_NOT_FOUND',
      message: `nothing is served at ${request.method} "${plainText(request.url, 200)}"`,
      remedy: 'use one of the documented addresses',
    }),
  )
}

/** What a SocketServer serves, and where. */
export interface SocketServerOptions {
  readonly name: string
  readonly logger: Logger
  readonly place: SocketPlace
  /** Adds the routes to an app, at every start, and returns what ends that which goes on behind them. */
  readonly routes: (app: FastifyInstance) => () => void
}

/** A Fastify app on a unix socket: the routes are the caller's, the socket file and the connections are its own. */
export class SocketServer implements Component {
  readonly name: string
  readonly #options: SocketServerOptions
  #close: ((deadline: AbortSignal) => Promise<void>) | undefined

  constructor(options: SocketServerOptions) {
    this.name = options.name
    this.#options = options
  }

  /** @throws ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { logger, place, routes } = this.#options
    const app = createApp({ requestTimeout: 10_000 })
    app.server.maxConnections = 256
    app.server.on('error', (error) => logger.warn({ err: error }, 'the socket could not accept a connection'))
    answerFaults(app, logger)
    const end = routes(app)
    try {
      const retract = await publishSocket(place, (path) => app.listen({ path }))
      this.#close = async (deadline) => {
        // First the socket's file: whoever is told that it ends here comes back at once, and is to find the next one.
        await retract().finally(end)
        await raceAbort(app.close(), deadline)
      }
    } catch (error) {
      end()
      await app.close()
      throw error
    }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const close = this.#close
    this.#close = undefined
    await close?.(deadline)
  }
}
