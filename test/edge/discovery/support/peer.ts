import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Received {
  readonly payload: Buffer
  readonly address: string
  readonly port: number
}

/** A UDP socket of a test: a device, or what listens in the container. Keeps what it receives. */
export class Peer {
  readonly received: Received[] = []
  readonly #socket: Socket
  readonly #onDatagram: (datagram: Received) => void

  private constructor(socket: Socket, onDatagram: (datagram: Received) => void) {
    this.#socket = socket
    this.#onDatagram = onDatagram
    socket.on('error', () => {})
    socket.on('message', (payload, sender) => {
      const datagram = { payload, address: sender.address, port: sender.port }
      this.received.push(datagram)
      this.#onDatagram(datagram)
    })
  }

  /** A given port may be shared with the wildcard socket under test, since the "container" is on the same loopback. */
  static async open(address: string, port = 0, onDatagram: (datagram: Received) => void = () => {}): Promise<Peer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024, reusePort: port !== 0 })
    const peer = new Peer(socket, onDatagram)
    socket.bind(port, address)
    await once(socket, 'listening')
    return peer
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(payload: Buffer | string, port: number, address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(payload, port, address, (error) => (error ? reject(error) : resolve()))
    })
  }

  texts(): string[] {
    return this.received.map((datagram) => datagram.payload.toString())
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }
}

/** Ports that are free on every address now. */
export async function freePorts(count: number): Promise<number[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => Peer.open('0.0.0.0')))
  const ports = peers.map((peer) => peer.port)
  await Promise.all(peers.map((peer) => peer.close()))
  return ports
}
