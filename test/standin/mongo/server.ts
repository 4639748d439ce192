import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { answer, type MongoPose, newTopologyVersion } from './commands.ts'
import { encodeReply, type Request, RequestReader } from './wire.ts'

const maxConnections = 200
/** Requests of one connection that may wait for their answers; a driver has one at a time. */
const maxWaiting = 16

/**
 * A listener that a MongoDB driver takes for a mongod: handshake (legacy and hello, streamed if asked), ping, buildInfo
 * and endSessions. It holds no data.
 */
export class MongoServer {
  readonly #pose: MongoPose
  readonly #host: string
  readonly #port: number
  readonly #connections = new Set<Socket>()
  #topology = newTopologyVersion()
  #server: Server | undefined
  #boundPort: number | undefined
  #accepted = 0
  #replies = 0
  #delayMilliseconds = 0

  constructor(options: { pose: MongoPose; host: string; port: number }) {
    this.#pose = options.pose
    this.#host = options.host
    this.#port = options.port
  }

  /** True while it listens. */
  get up(): boolean {
    return this.#server !== undefined
  }

  /** How long every answer is held back from now on. */
  set delayMilliseconds(milliseconds: number) {
    this.#delayMilliseconds = milliseconds
  }

  /** Resolves with the port when listening. A second start after a stop takes the same port again. */
  async start(): Promise<number> {
    this.#topology = newTopologyVersion()
    const server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
    server.maxConnections = maxConnections
    const port = await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#boundPort ?? this.#port, this.#host, () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    server.on('error', () => this.stop())
    this.#server = server
    this.#boundPort = port
    return port
  }

  /** Closes the listener and, as when a mongod dies, every connection. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#connections) socket.destroy()
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  #serve(socket: Socket): void {
    const connectionId = ++this.#accepted
    const reader = new RequestReader()
    const closed = new AbortController()
    let waiting = 0
    let last: Promise<void> = Promise.resolve()
    this.#connections.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#connections.delete(socket)
      closed.abort()
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const request of reader.push(chunk)) {
          if (++waiting > maxWaiting) throw new Error('too many requests at once')
          last = last.then(() => this.#answer(socket, request, connectionId, closed.signal)).finally(() => waiting--)
          last.catch(() => socket.destroy())
        }
      } catch {
        socket.destroy()
      }
    })
  }

  async #answer(socket: Socket, request: Request, connectionId: number, signal: AbortSignal): Promise<void> {
    if (request.moreToCome) return
    const { command, form } = request
    const document = () => answer({ pose: this.#pose, command, topology: this.#topology, connectionId })
    const streamed = request.exhaustAllowed && document().topologyVersion !== undefined
    const awaited = document().topologyVersion !== undefined && command.topologyVersion !== undefined
    // Nothing here ever changes, so a stream only beats; never faster than this, whatever the client asks.
    const shortest = streamed ? 100 : 0
    const period = awaited || streamed ? Math.max(shortest, Math.min(Number(command.maxAwaitTimeMS ?? 0), 60_000)) : 0
    let responseTo = request.requestId
    do {
      if (period + this.#delayMilliseconds > 0) await delay(period + this.#delayMilliseconds, undefined, { signal })
      const id = ++this.#replies
      socket.write(encodeReply({ form, id, responseTo, document: document(), moreToCome: streamed }))
      responseTo = id
    } while (streamed && !signal.aborted && socket.writable)
  }
}
