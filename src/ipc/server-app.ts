import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { raceAbort } from '../core/deadline.ts'
import { ApplianceError, ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { plainText } from '../core/text.ts'
import { publishSocket, type SocketPlace } from './server-socket.ts'

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

/** A Fastify app on a unix socket: the routes are the caller's, the socket file and the connections are its own. */
export class SocketApp {
  readonly app: FastifyInstance
  readonly #place: SocketPlace
  #retract: (() => Promise<void>) | undefined

  constructor(options: { logger: Logger; place: SocketPlace }) {
    const { logger } = options
    this.#place = options.place
    this.app = fastify({ logger: false, bodyLimit: 1024, forceCloseConnections: true, requestTimeout: 10_000 })
    this.app.server.maxConnections = 256
    this.app.server.on('error', (error) => logger.warn({ err: error }, 'the socket could not accept a connection'))
    answerFaults(this.app, logger)
  }

  /** @throws ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED; nothing is then left open */
  async open(): Promise<void> {
    try {
      this.#retract = await publishSocket(this.#place, (path) => this.app.listen({ path }))
    } catch (error) {
      await this.app.close()
      throw error
    }
  }

  async close(deadline: AbortSignal): Promise<void> {
    await this.#retract?.()
    this.#retract = undefined
    await raceAbort(this.app.close(), deadline)
  }
}
