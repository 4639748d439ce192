import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised'
import { messageOf, systemCode } from '../../core/errors.ts'
import { literalLookup } from './datagram-socket.ts'

/** What the kernel says when nobody takes the datagrams: nobody listens, or nobody has the address, or no route leads there. */
const absence = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'])

/** No route leads to the controller. */
class NoRouteError extends Error {
  override readonly name = 'NoRouteError'
  readonly code = 'ENETUNREACH'
}

/** The code of an error that says that the controller is not there; undefined for any other error. */
export function absenceCode(error: unknown): string | undefined {
  const code = systemCode(error)
  return code !== undefined && absence.has(code) ? code : undefined
}

export interface UpstreamOptions {
  /** The controller's address and port. */
  readonly address: string
  readonly port: number
  readonly onAnswer: (payload: Buffer) => void
  /** An error of an earlier datagram, or of the socket. */
  readonly onError: (error: Error) => void
}

/**
 * One device's socket towards the controller. Connected, so that the kernel tells when nobody listens there and lets in
 * nothing but the controller's answers.
 */
export class Upstream {
  readonly localPort: number
  readonly #socket: SocketAsPromised
  #closed = false

  private constructor(socket: SocketAsPromised) {
    this.#socket = socket
    this.localPort = socket.address().port
  }

  /** Opens at once. @throws the system's error, such as `EMFILE`, or NoRouteError */
  static open(options: UpstreamOptions): Upstream {
    const socket = DgramAsPromised.createSocket({ type: 'udp4', lookup: literalLookup }, options.onAnswer)
    let openError: Error | undefined
    let opened = false
    socket.socket.on('error', (error) => {
      if (opened) options.onError(error)
      else openError ??= error
    })
    socket.socket.connect(options.port, options.address)
    try {
      // A failed connect is told by an event, later; this tells it now.
      socket.socket.remoteAddress()
      opened = true
      return new Upstream(socket)
    } catch (error) {
      socket.close().catch(() => {})
      throw openError ?? new NoRouteError(`no route to ${options.address}: ${messageOf(error)}`, { cause: error })
    }
  }

  /**
   * Sends at once; `done` is called later, with the error when the datagram was not sent. Not the promised `send`, which
   * knows no connected sockets. A pending refusal of an *earlier* datagram makes the kernel report it instead of
   * sending: the datagram then goes out by a second try, and `onError` hears of the refusal.
   */
  send(payload: Buffer, options: { onError: (error: Error) => void; done: (error?: Error) => void }): void {
    this.#try(payload, (error) => {
      if (error === undefined || absenceCode(error) === undefined) return options.done(error)
      options.onError(error)
      this.#try(payload, options.done)
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close().catch(() => {})
  }

  #try(payload: Buffer, done: (error?: Error) => void): void {
    if (this.#closed) done(new Error('the session is closed'))
    else this.#socket.socket.send(payload, (error) => done(error ?? undefined))
  }
}
