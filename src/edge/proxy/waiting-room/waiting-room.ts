import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { plainAddress } from '../../../core/cidr.ts'
import type { Clock } from '../../../core/clock.ts'
import { toFault } from '../../../core/errors.ts'
import { percent } from '../../../core/format.ts'
import type { Logger } from '../../../core/logger.ts'
import type { ProxyDependencies } from '../dependencies.ts'
import type { WaitingView } from '../web-upstream.ts'
import { loadCertificate, usersOwn } from './certificate.ts'
import { guestView, notAccepting, reloadSeconds, renderPage, styleSource } from './page.ts'

/** A visit is one request and its answer; it has this long in all. */
const defaultVisitMilliseconds = 15_000
/** Cookies of other services on this machine's name come along; more than this is answered 431. */
const maxHeaderBytes = 16 * 1024
const minVersion = 'TLSv1.2'

interface WaitingRoomOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly dependencies: ProxyDependencies
  readonly statusPort: number
  /** Whether a port of TLS is served. */
  readonly tls: boolean
  readonly visitMilliseconds?: number | undefined
}

/**
 * Answers web clients while the controller cannot: 503 with a page that tells why and comes back by itself. Its HTTP
 * servers never listen; they are handed connections that were accepted and not read from.
 */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions
  readonly #visitMilliseconds: number
  #plain: Server | undefined
  #tls: TlsServer | undefined

  constructor(options: WaitingRoomOptions) {
    this.#options = options
    this.#visitMilliseconds = options.visitMilliseconds ?? defaultVisitMilliseconds
  }

  /** Makes or loads a certificate for TLS. Without one, TLS clients are not received and the rest goes on. */
  async start(): Promise<void> {
    const onRequest: RequestListener = (request, response) => this.#answer(request, response)
    this.#plain = createServer({ maxHeaderSize: maxHeaderBytes }, onRequest)
    if (!this.#options.tls) return
    try {
      const pair = await loadCertificate(this.#options)
      const bounds = { maxHeaderSize: maxHeaderBytes, handshakeTimeout: this.#visitMilliseconds }
      this.#tls = createTlsServer({ ...pair, ...bounds, minVersion }, onRequest)
    } catch (error) {
      const fault = toFault(error)
      const message = `the waiting room cannot answer on TLS ports: ${fault.message}`
      this.#options.dependencies.warnings.raise('tls', { ...fault, message })
    }
  }

  /** Shows new visitors the user's certificate as it is now; one that cannot be used leaves the former one in place. */
  async renewCertificate(): Promise<void> {
    const pair = await usersOwn(this.#options.dependencies, 'keeps the one that it has')
    if (pair !== undefined) this.#tls?.setSecureContext({ ...pair, minVersion })
  }

  /**
   * Takes over a client that was not read from, and sees to it that it gets closed. False, and not taken over, when
   * it speaks TLS and there is no certificate.
   */
  receive(client: Socket, tls: boolean): boolean {
    const server = tls ? this.#tls : this.#plain
    if (server === undefined) return false
    // Node checks headersTimeout and requestTimeout only in servers that listen; one deadline for the visit is stronger.
    const deadline = setTimeout(() => client.destroy(), this.#visitMilliseconds)
    client.once('close', () => clearTimeout(deadline))
    server.emit('connection', client)
    client.resume()
    return true
  }

  /** What a visitor may see goes by the addresses of the connection, not by the Host header, which anyone can set. */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { dependencies, statusPort } = this.#options
    const upstream = dependencies.webUpstream()
    const view = upstream.kind === 'wait' ? upstream.view : notAccepting
    const { localAddress = '', remoteAddress = '' } = request.socket
    if (dependencies.access('management').admits({ localAddress, remoteAddress }))
      answer(request, response, view, statusPageUrl(localAddress, statusPort))
    else answer(request, response, guestView(view))
  }
}

/**
 * Answers any request with 503 and what there is to tell: as JSON to a client that asks for that and not for HTML, else
 * as a page. The connection ends with it, so that the visitor's next request finds the controller once it is ready.
 */
function answer(request: IncomingMessage, response: ServerResponse, view: WaitingView, statusPage?: string): void {
  const json = wantsJson(request.headers.accept)
  const body = json ? `${JSON.stringify(describe(view))}\n` : renderPage(view, statusPage)
  response.writeHead(503, 'Service Unavailable', {
    'Content-Type': json ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': `default-src 'none'; style-src '${styleSource}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'Cache-Control': 'no-store',
    'Retry-After': reloadSeconds(view),
    Connection: 'close',
    Vary: 'Accept',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  })
  // Node leaves the body out of an answer to HEAD.
  response.end(body)
}

function wantsJson(accept: string | undefined): boolean {
  return accept !== undefined && /\bapplication\/json\b/i.test(accept) && !/\btext\/html\b/i.test(accept)
}

function describe(view: WaitingView): object {
  const { phase, reason, pull } = view
  if (pull === undefined) return { phase, reason }
  const { image, current, total, attempt } = pull
  return { phase, reason, pull: { image, current, total, percent: percent(pull), attempt } }
}

/** By the address that the visitor reached, not by the Host header, which anyone can set. */
function statusPageUrl(localAddress: string, port: number): string {
  const address = plainAddress(localAddress)
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/`
}
