import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { plainAddress, sourceOf } from '../../core/cidr.ts'
import { plainText } from '../../core/text.ts'
import { sendFault } from '../../ipc/server-app.ts'
import type { EventStream } from '../../ipc/sse.ts'
import type { ConnectionGuard } from './connection-guard.ts'
import { hostOf, meansThisMachine } from './host-header.ts'
import { Pace } from './pace.ts'
import { securityHeaders } from './policy.ts'
import type { StatusSnapshot } from './snapshot.ts'
import { pageView } from './views/page.ts'

export interface RouteOptions {
  readonly snapshot: StatusSnapshot
  readonly stream: EventStream
  readonly guard: ConnectionGuard
  /** Domains under which this machine may be asked for, besides private ones. */
  readonly ownDomains: readonly string[]
  /** Where the controller's own interface is served. */
  readonly controllerPort: number
}

const json = 'application/json; charset=utf-8'

/**
 * Monitoring may ask under any name, and so may any page that a browser shows (DNS rebinding): these two tell the phase,
 * since when it is, and the code of its reason, but not the reason's words, which can name images, addresses and settings.
 */
const open = new Set(['/healthz', '/readyz'])

/** The page and the read-only API. */
export function addRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { snapshot, stream } = options
  let turn: Promise<unknown> = Promise.resolve()
  const pace = new Pace()
  app.addHook('onSend', async (request, _reply, payload) => pace.sent(sourceOf(request.ip), payload))
  app.addHook('onRequest', async (request, reply) => {
    if (!open.has(request.url)) await pace.wait(sourceOf(request.ip))
    // One answer in a turn of the event loop: what is forwarded gets its own in between.
    turn = turn.then(() => setImmediate())
    await turn
    reply.headers(securityHeaders)
    return (
      refuseMethod(app, request, reply) ??
      refuseHost(request, reply, options.ownDomains) ??
      refuseSlow(request, reply, options.guard)
    )
  })

  app.get('/', (request, reply) => {
    const host = hostOf(request.headers.host ?? '') ?? localHost(request)
    const controllerUrl = `https://${host}:${options.controllerPort}/`
    return reply.type('text/html; charset=utf-8').send(pageView({ ...snapshot.page(), controllerUrl }))
  })

  app.get('/api/v1/status', (_request, reply) => reply.type(json).send(snapshot.statusJson()))
  app.get('/api/v1/devices', (_request, reply) => reply.type(json).send(snapshot.devicesJson()))
  app.get('/api/v1/events', { exposeHeadRoute: false }, (request, reply) => {
    const source = sourceOf(request.ip)
    if (!stream.hasRoom(source)) {
      return sendFault(reply, 503, {
        code: 'HTTP_BUSY',
        message: `too many live connections: ${stream.size} are open`,
        remedy: 'close some of the pages that are open, or ask /api/v1/status from time to time instead',
      })
    }
    reply.hijack()
    stream.add(reply.raw, source, securityHeaders)
  })

  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const { phase, reason, since } = snapshot.status()
    return reply.code(phase === 'ready' ? 200 : 503).send({ phase, since, code: reason.code })
  })
}

function refuseMethod(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const url = request.url.split('?', 1)[0] ?? ''
  const allowed = (['GET', 'HEAD'] as const).filter((method) => app.hasRoute({ method, url }))
  if (allowed.length === 0 || allowed.some((method) => method === request.method)) return undefined
  // Whatever body there is stays unread.
  reply.headers({ allow: allowed.join(', '), connection: 'close' })
  return sendFault(reply, 405, {
    code: 'HTTP_METHOD',
    message: `${request.method} is not accepted at "${plainText(url, 200)}": everything here is read-only`,
    remedy: 'use GET; to change something run omada-host on this machine (omada-host --help)',
  })
}

function refuseHost(
  request: FastifyRequest,
  reply: FastifyReply,
  ownDomains: readonly string[],
): FastifyReply | undefined {
  const header = request.headers.host
  // Only HTTP/1.0 clients send none, and no browser is one.
  if (header === undefined || open.has(request.url)) return undefined
  const host = hostOf(header)
  if (host !== undefined && meansThisMachine(host, ownDomains)) return undefined
  return sendFault(reply, 421, {
    code: 'HTTP_HOST',
    message: `this page was asked for as "${plainText(header, 200)}", a name that may be somebody else's (DNS rebinding)`,
    remedy: `open http://${localHost(request)}:${request.socket.localPort}/ instead, or by a name without a dot or one that ends in .local, .lan, .home or .internal`,
  })
}

/** An answer that nobody reads stays in memory: who leaves too many there gets no further one. */
function refuseSlow(request: FastifyRequest, reply: FastifyReply, guard: ConnectionGuard): FastifyReply | undefined {
  if (open.has(request.url) || guard.hasRoom(request.socket)) return undefined
  return sendFault(reply, 503, {
    code: 'HTTP_BUSY',
    message: 'too many earlier answers have not been read yet, by this client or by all together',
    remedy: 'read or close them, and ask again later',
  })
}

/** The address of ours that the client reached, as it stands in a URL. */
function localHost(request: FastifyRequest): string {
  const address = plainAddress(request.socket.localAddress ?? '127.0.0.1')
  return address.includes(':') ? `[${address}]` : address
}
