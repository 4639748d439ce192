import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import * as z from 'zod'
import { ApplianceError, isAbort } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { type ControlVerb, controlVerbs } from './control-client.ts'
import { SocketServer } from './server-app.ts'

/** What carries out the verbs. Each signal aborts when the one who asked has gone or the server stops. */
export interface ControlPorts {
  readonly verbs: Readonly<Record<ControlVerb, (signal: AbortSignal) => Promise<{ message: string }>>>
  /** The user has seen the problem of this code; `value`: what was set elsewhere to mend it. */
  readonly acknowledge: (code: string, signal: AbortSignal, value?: string) => Promise<{ message: string }>
  readonly logs: (options: { follow: boolean; tail: number; signal: AbortSignal }) => AsyncIterable<string>
}

/**
 * Takes the user's verbs on a unix socket that only root may open (mode 0600; Node cannot ask who the peer is):
 * `POST /v1/<verb>` and `POST /v1/acknowledge?code=CODE[&value=ADDRESS]` answer `{message}` when it is done, `GET /v1/logs?follow=1&tail=200` streams lines.
 */
export class ControlServer extends SocketServer {
  constructor({ logger, path, verbs, acknowledge, logs }: { logger: Logger; path: string } & ControlPorts) {
    super({
      name: 'control-server',
      logger,
      place: { path, mode: 0o600 },
      routes: (app) => {
        const stopping = new AbortController()
        const carryOut = async (
          verb: string,
          reply: FastifyReply,
          work: (signal: AbortSignal) => Promise<{ message: string }>,
        ) => {
          logger.info({ verb }, 'asked by a user')
          const signal = untilGone(reply, stopping.signal)
          return await work(signal).catch((error: unknown) => {
            throw signal.aborted || isAbort(error) ? cutShort(verb) : error
          })
        }
        for (const verb of controlVerbs) {
          app.post(`/v1/${verb}`, (_request, reply) => carryOut(verb, reply, verbs[verb]))
        }
        app.post('/v1/acknowledge', async ({ query }, reply) => {
          const { code, value } = parsed(acknowledgeQuery, query)
          return await carryOut(`acknowledge ${code}`, reply, (signal) => acknowledge(code, signal, value))
        })
        app.get('/v1/logs', { exposeHeadRoute: false }, async ({ query }, reply) => {
          const { follow, tail } = parsed(logsQuery, query)
          const lines = logs({ follow: follow === '1', tail, signal: untilGone(reply, stopping.signal) })
          return reply.type('text/plain; charset=utf-8').send(Readable.from(await begin(lines)))
        })
        return () => stopping.abort(new Error('the appliance is stopping'))
      },
    })
  }
}

const logsQuery = z.object({
  follow: z.enum(['0', '1']).default('0'),
  /** As many lines as may be asked for at once. */
  tail: z.coerce.number().int().min(0).max(100_000).default(200),
})

const acknowledgeQuery = z.object({
  code: z.string().regex(/^[A-Z_]{1,64}$/),
  value: z.union([z.ipv4(), z.hostname()]).optional(),
})

/** @throws Error that is answered with status 400 */
function parsed<T>(schema: z.ZodType<T>, query: unknown): T {
  const { success, data, error } = schema.safeParse(query)
  if (success) return data
  const wrong = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  throw Object.assign(new Error(`wrong in the query: ${wrong}`), { statusCode: 400 })
}

/** Not a defect: the appliance ends, or nobody waits for the answer any more. */
function cutShort(verb: string): ApplianceError {
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
