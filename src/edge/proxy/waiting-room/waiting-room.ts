import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock } from '../../../core/clock.ts'
import { toFault } from '../../../core/errors.ts'
import type { Logger } from '../../../core/logger.ts'
import type { ProxyDependencies } from '../dependencies.ts'
import type { WaitingView } from '../web-upstream.ts'
import { answer } from './answer.ts'
import { loadCertificate, usersOwn } from './certificate.ts'
import { guestView, notAccepting } from './page.ts'

/** A visit is one request and its answer; it has this long in all. */
const defaultVisitMilliseconds = 15_000
/** Cookies of other services on this machine's name come along; more than this is answered 431. */
const maxHeaderBytes = 16 * 1024
const minVersion = 'TLSv1.2'

/**
 * Answers web clients while the controller cannot: 503 with a page that tells why and comes back by itself. Its HTTP
 * servers never listen; they are handed connections that were accepted and not read from.
 */
export class WaitingRoom {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #dependencies: ProxyDependencies
  readonly #statusPort: number
  readonly #visitMilliseconds: number
  #plain: Server | undefined
  #tls: TlsServer | undefined

  constructor(options: {
    logger: Logger
    clock: Clock
    dependencies: ProxyDependencies
    statusPort: number
    visitMilliseconds?: number
  }) {
    this.#logger = options.logger
    this.#clock = options.clock
    this.#dependencies = options.dependencies
    this.#statusPort = options.statusPort
    this.#visitMilliseconds = options.visitMilliseconds ?? defaultVisitMilliseconds
  }

  /** Makes or loads a certificate when `tls`. Without one, TLS clients are not received and the rest goes on. */
  async start(options: { tls: boolean }): Promise<void> {
    const onRequest: Parameters<typeof createServer>[1] = (request, response) =>
      answer(request, response, { ...this.#viewFor(request.socket), statusPort: this.#statusPort })
    this.#plain = createServer({ maxHeaderSize: maxHeaderBytes }, onRequest)
    if (!options.tls) return
    try {
      const { cert, key } = await loadCertificate({
        logger: this.#logger,
        clock: this.#clock,
        dependencies: this.#dependencies,
      })
      this.#tls = createTlsServer(
        {
          cert,
          key,
          minVersion,
          handshakeTimeout: this.#visitMilliseconds,
          maxHeaderSize: maxHeaderBytes,
        },
        onRequest,
      )
    } catch (error) {
      const fault = toFault(error)
      const message = `the waiting room cannot answer on TLS ports: ${fault.message}`
      this.#dependencies.warnings.raise('tls', { ...fault, message })
    }
  }

  /** Shows new visitors the user's certificate as it is now; one that cannot be used leaves the former one in place. */
  async renewCertificate(): Promise<void> {
    const pair = await usersOwn(this.#dependencies, 'keeps the one that it has')
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

  #viewFor(socket: Socket): { view: WaitingView; forManagement: boolean } {
    const upstream = this.#dependencies.webUpstream()
    const view = upstream.kind === 'wait' ? upstream.view : notAccepting
    const { localAddress = '', remoteAddress = '' } = socket
    const forManagement = this.#dependencies.access('management').admits({ localAddress, remoteAddress })
    return { view: forManagement ? view : guestView(view), forManagement }
  }
}
