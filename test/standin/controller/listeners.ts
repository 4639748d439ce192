import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'

/** What one TCP port has seen. */
export interface TcpCount {
  open: number
  total: number
}

/** `::ffff:192.0.2.1` as `192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/**
 * Listens where it is told, or on every address of both families as Java does, or on IPv4 alone where the kernel has no
 * IPv6. Resolves with the port.
 */
export async function listenTcp(server: Server, port: number, bind: string | undefined): Promise<number> {
  const listen = (host: string) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host }, () => {
        server.removeListener('error', reject)
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
  try {
    return await listen(bind ?? '::')
  } catch (error) {
    if (bind !== undefined || !lacksIpv6(error)) throw error
    return await listen('0.0.0.0')
  }
}

function lacksIpv6(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
}

/** A TCP server with its connections counted, bounded and closed along with it. */
export class TcpListener {
  readonly count: TcpCount = { open: 0, total: 0 }
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** The server is not listening yet; `maxConnections` bounds it. */
  constructor(server: Server) {
    this.#server = server
    server.maxConnections = 4096
    server.on('error', () => undefined)
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      this.count.open++
      this.count.total++
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.count.open--
      })
    })
  }

  start(port: number, bind: string | undefined): Promise<number> {
    return listenTcp(this.#server, port, bind)
  }

  /** Accepts no more; what is connected stays. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Everything closed. */
  stop(): void {
    this.stopAccepting()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** A bound UDP socket; dual stack unless bound to an IPv4 address or where the kernel has no IPv6. Resolves when bound. */
export async function bindUdp(o: {
  port: number
  bind: string | undefined
  receive: (datagram: Buffer, from: { address: string; port: number }, socket: UdpSocket) => void
}): Promise<{ socket: UdpSocket; port: number }> {
  const open = async (type: 'udp4' | 'udp6', address: string) => {
    const socket = createSocket({ type })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(o.port, address, () => {
        socket.removeListener('error', reject)
        resolve()
      })
    })
    socket.on('error', () => undefined)
    socket.on('message', (datagram: Buffer, from: RemoteInfo) =>
      o.receive(datagram, { address: plainAddress(from.address), port: from.port }, socket),
    )
    return { socket, port: socket.address().port }
  }
  if (o.bind !== undefined) return await open(o.bind.includes(':') ? 'udp6' : 'udp4', o.bind)
  try {
    return await open('udp6', '::')
  } catch (error) {
    if (!lacksIpv6(error)) throw error
    return await open('udp4', '0.0.0.0')
  }
}

/** Sends to an IPv4 address from a socket of either family. A failure is the network's and is not reported. */
export function sendUdp(socket: UdpSocket, datagram: Buffer, to: { address: string; port: number }): void {
  const address = socket.address().family === 'IPv6' && !to.address.includes(':') ? `::ffff:${to.address}` : to.address
  socket.send(datagram, to.port, address, () => undefined)
}
