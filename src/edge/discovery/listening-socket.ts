import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised'
import { literalLookup } from './datagram-socket.ts'
import { wildcard } from './ports.ts'

/** What the kernel may hold for one socket, in bytes; it caps this at net.core.rmem_max. For bursts, such as a power cut's end. */
const receiveBuffer = 4 * 1024 * 1024

export interface ListeningSocketOptions {
  readonly address: string
  readonly port: number
  readonly onDatagram: (payload: Buffer, sender: { readonly address: string; readonly port: number }) => void
  /** The kernel reported an error on the open socket. It stays bound and receives on. */
  readonly onError: (error: Error) => void
}

/** One UDP socket on a local address, for what arrives there and for the answers that leave from there. */
export class ListeningSocket {
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

  /**
   * Opens a socket that shares its port with others of this process: Linux wants SO_REUSEADDR on the wildcard's socket
   * and on those of single addresses. @throws the system's error
   */
  static async open(options: ListeningSocketOptions): Promise<ListeningSocket> {
    const socket = DgramAsPromised.createSocket(
      { type: 'udp4', reuseAddr: true, lookup: literalLookup, recvBufferSize: receiveBuffer },
      options.onDatagram,
    )
    await bindOrClose(socket, options.address, options.port)
    // The library would keep such an error and fail the next `send` with it, without sending: an answer lost for nothing.
    socket.destroy()
    socket.socket.on('error', options.onError)
    return new ListeningSocket(socket)
  }

  /** Sends from this address and port. @throws the system's error, such as `EMSGSIZE` */
  async send(payload: Buffer, port: number, address: string): Promise<void> {
    if (this.#closed) throw new Error('the socket is closed')
    await this.#socket.send(payload, port, address)
  }

  /** Sends to a broadcast address. Only this may: an answer to a forged sender must not reach everybody. @throws like `send` */
  async broadcast(payload: Buffer, port: number, address: string): Promise<void> {
    if (this.#closed) throw new Error('the socket is closed')
    this.#socket.socket.setBroadcast(true)
    // The datagram is on its way when `send` returns (see literalLookup).
    const sent = this.#socket.send(payload, port, address)
    this.#socket.socket.setBroadcast(false)
    await sent
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#socket.close()
  }
}

/**
 * Finds out whether another process holds the port, which SO_REUSEADDR hides: it would let two processes share the port
 * and starve one of them. Call while this process has no socket on the port. @throws the system's error, `EADDRINUSE`
 */
export async function bindAlone(port: number): Promise<void> {
  const socket = DgramAsPromised.createSocket({ type: 'udp4', lookup: literalLookup })
  await bindOrClose(socket, wildcard, port)
  await socket.close()
}

async function bindOrClose(socket: SocketAsPromised, address: string, port: number): Promise<void> {
  try {
    await socket.bind({ address, port, exclusive: true })
  } catch (error) {
    await socket.close()
    throw error
  }
}
