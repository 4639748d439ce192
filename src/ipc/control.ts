import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Component } from '../core/component.ts'
import { ApplianceError, isAbort } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { type ControlVerb, controlVerbs } from './control-client.ts'
import { SocketApp } from './server-app.ts'

export { type ControlVerb, controlVerbs, readLogs, sendControl } from './control-client.ts'

/** Most lines of the log that may be asked for at once. */
const maxTail = 100_000

/** What carries out the verbs. Each signal aborts when the one who asked has gone or the server stops. */
export interface ControlPorts {
  readonly verbs: Readonly<Record<ControlVerb, (signal: AbortSignal) => Promise<{ message: string }>>>
  readonly logs: (options: { follow: boolean; tail: number; signal: AbortSignal }) => AsyncIterable<string>
}

/**
 * Takes the user's verbs on a unix socket that only root may open (mode 0600; Node cannot ask who the peer is):
 * `POST /v1/<verb>` answers `{message}` when it is done, `GET /v1/logs?follow=1&tail=200` streams lines.
 */
export class ControlServer implements Component {
  readonly name = 'control-server'
  readonly #logger: Logger
  readonly #path: string
  readonly #ports: ControlPorts
  #served: { readonly socket: SocketApp; readonly stopping: AbortController } | undefined

  constructor(options: { logger: Logger; path: string } & ControlPorts) {
    this.#logger = options.logger
    this.#path = options.path
    this.#ports = options
  }

  /** @throws ApplianceError APPLIANCE_RUNNING or SOCKET_FAILED */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const socket = new SocketApp({ logger: this.#logger, place: { path: this.#path, mode: 0o600 } })
    const stopping = new AbortController()
    for (const verb of controlVerbs) {
      socket.app.post(`/v1/${verb}`, async (_request, reply) => {
        this.#logger.info({ verb }, 'asked by a user')
        const signal = untilGone(reply, stopping.signal)
        return await this.#ports.verbs[verb](signal).catch((error: unknown) => {
          throw signal.aborted || isAbort(error) ? cutShort(verb) : error
        })
      })
    }
    socket.app.get<{ Querystring: { follow: string; tail: number } }>(
      '/v1/logs',
      { schema: { querystring: logsQuery }, exposeHeadRoute: false },
      async (request, reply) => {
        const { follow, tail } = request.query
        const lines = this.#ports.logs({ follow: follow === '1', tail, signal: untilGone(reply, stopping.signal) })
        return reply.type('text/plain; charset=utf-8').send(Readable.from(await begin(lines)))
      },
    )
    await socket.open()
    this.#served = { socket, stopping }
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const served = this.#served
    this.#served = undefined
    served?.stopping.abort(new Error('the appliance is stopping'))
    await served?.socket.close(deadline)
  }
}

const logsQuery = {
  type: 'object',
  properties: {
    follow: { enum: ['0', '1'], default: '0' },
    tail: { type: 'integer', minimum: 0, maximum: maxTail, default: 200 },
  },
} as const

/** Not a defect: the appliance ends, or nobody waits for the answer any more. */
function cutShort(verb: ControlVerb): ApplianceError {
  return new ApplianceError({
    code: 'COMMAND_REFUSED',
    message: `omada-host ended before this was done: ${verb}`,
    remedy: 'see how things stand when it runs again: omada-host status',
  })
}

function untilGone(reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('whoever asked has gone'))
  })
  return AbortSignal.any([gone.signal, stopping])
}

/** Waits for the first line, so that a log that cannot be read at all is an error and not an empty answer. */
async function begin(lines: AsyncIterable<string>): Promise<AsyncIterable<string>> {
  const iterator = lines[Symbol.asyncIterator]()
  const first = await iterator.next()
  return (async function* () {
    try {
      for (let next = first; next.done !== true; next = await iterator.next()) yield `${next.value}\n`
    } finally {
      await iterator.return?.()
    }
  })()
}
