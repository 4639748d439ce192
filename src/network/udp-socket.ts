import { createSocket, type SocketOptions } from 'node:dgram'
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised'
import { messageOf, systemCode } from '../core/errors.ts'

// The one place that knows dgram-as-promised. What it does well is to make promises of bind, send and close, which Node's
// own sockets tell of by events and callbacks. What it cannot is left to the sockets of node:dgram:
// - It knows nothing of connected sockets: their send takes no address.
// - It keeps an error that the kernel reports on an open socket, and fails the next send with it, without sending.

/**
 * Takes an address literal for what it is, and at once. With Node's own lookup a socket binds, connects and sends only
 * after a turn through the resolver; with this one every call takes effect before it returns, so that no datagram is
 * ever held and none overtakes another. Every address here is a literal.
 */
export const literalLookup: NonNullable<SocketOptions['lookup']> = (address, _options, callback) => {
  callback(null, address, 4)
}

export interface UdpSocketOptions {
  /** A local IPv4 address. */
  readonly address: string
  /** 0: any that is free. */
  readonly port: number
  /**
   * Shares the port with other sockets of this process's user that ask for it too, which Linux wants of the wildcard's and
   * of those of single addresses. By SO_REUSEPORT: with SO_REUSEADDR any local user could bind beside us, and the kernel
   * would give the newest socket every datagram (socket(7)).
   */
  readonly shared?: boolean
  /** What the kernel may hold until it is read, in bytes; it caps this at net.core.rmem_max. */
  readonly receiveBufferBytes?: number
  readonly onDatagram: (payload: Buffer, sender: { readonly address: string; readonly port: number }) => void
  /** The kernel reported an error on the open socket. It stays bound and receives on. */
  readonly onError: (error: Error) => void
}

/** A UDP socket on a local IPv4 address, for what arrives there and for what is sent from there. */
export class UdpSocket {
  readonly address: string
  readonly port: number
  readonly #socket: SocketAsPromised
  #closed = false

  private constructor(socket: SocketAsPromised) {
    this.#socket = socket
    const bound = socket.address()
    this.address = bound.address
    this.port = bound.port
  }

  /** @throws the system's error, such as `EADDRINUSE`; nothing is left open */
  static async bind(options: UdpSocketOptions): Promise<UdpSocket> {
    const { address, port, shared = false, receiveBufferBytes } = options
    const socket = DgramAsPromised.createSocket(
      {
        type: 'udp4',
        reusePort: shared,
        lookup: literalLookup,
        ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
      },
      options.onDatagram,
    )
    try {
      await socket.bind({ address, port, exclusive: true })
    } catch (error) {
      await socket.close()
      throw error
    }
    // This takes the library's own listener for errors off, and nothing else.
    socket.destroy()
    socket.socket.on('error', options.onError)
    return new UdpSocket(socket)
  }

  /** Sends from this address and port. @throws the system's error, such as `EMSGSIZE` */
  async send(payload: Buffer, port: number, address: string): Promise<void> {
    if (this.#closed) throw new Error('the socket is closed')
    await this.#socket.send(payload, port, address)
  }

  /**
   * Sends to a broadcast address. `send` cannot: a datagram whose sender was forged to be a broadcast address must not
   * make an answer reach everybody. @throws like `send`
   */
  async broadcast(payload: Buffer, port: number, address: string): Promise<void> {
    if (this.#closed) throw new Error('the socket is closed')
    this.#socket.setBroadcast(true)
    // The datagram is on its way when `send` returns (see literalLookup).
    const sent = this.#socket.send(payload, port, address)
    this.#socket.setBroadcast(false)
    await sent
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#socket.close()
  }
}

/** What the kernel says when nobody takes the datagrams: nobody listens, or nobody has the address, or no route leads there. */
const absence = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'])

/** The code of an error that says that nobody is there to take a datagram; undefined for any other error. */
export function absenceCode(error: unknown): string | undefined {
  const code = systemCode(error)
  return code !== undefined && absence.has(code) ? code : undefined
}

/**
 * A UDP socket that talks to one address and port. Connected, so that the kernel tells when nobody listens there and lets
 * in nothing but what comes from there.
 */
export interface ConnectedUdpSocket {
  readonly localPort: number
  /**
   * Sends at once; `done` is called later, with the error when the datagram was not sent. A pending refusal of an *earlier*
   * datagram makes the kernel report it instead of sending: the datagram then goes out by a second try, and `onError`
   * hears of the refusal.
   */
  send(payload: Buffer, done: (error?: Error) => void): void
  close(): void
}

/**
 * Opens at once. `onError` hears of an error of an earlier datagram, or of the socket.
 * @throws the system's error, such as `EMFILE`, or an Error with the code `ENETUNREACH`
 */
export function connectUdp(options: {
  address: string
  port: number
  onDatagram: (payload: Buffer) => void
  onError: (error: Error) => void
}): ConnectedUdpSocket {
  const { address, port, onDatagram, onError } = options
  const socket = createSocket({ type: 'udp4', lookup: literalLookup }, onDatagram)
  let openError: Error | undefined
  let opened = false
  let closed = false
  socket.on('error', (error) => {
    if (opened) onError(error)
    else openError ??= error
  })
  socket.connect(port, address)
  try {
    // A failed connect is told by an event, later; this tells it now.
    socket.remoteAddress()
    opened = true
  } catch (cause) {
    socket.close()
    const noRoute = new Error(`no route to ${address}: ${messageOf(cause)}`, { cause })
    throw openError ?? Object.assign(noRoute, { code: 'ENETUNREACH' })
  }
  const trySend: ConnectedUdpSocket['send'] = (payload, done) => {
    if (closed) done(new Error('the socket is closed'))
    else socket.send(payload, (error) => done(error ?? undefined))
  }
  return {
    localPort: socket.address().port,
    send: (payload, done) =>
      trySend(payload, (error) => {
        if (error === undefined || absenceCode(error) === undefined) return done(error)
        onError(error)
        trySend(payload, done)
      }),
    close: () => {
      if (!closed) socket.close()
      closed = true
    },
  }
}
