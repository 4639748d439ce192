import { createServer, type TLSSocket } from 'node:tls'
import { encodeFrame, FrameReader } from '../protocol/frame.ts'
import type { KeyPair } from './certificate.ts'
import { plainAddress, TcpListener } from './listeners.ts'
import type { Log } from './log.ts'
import type { DeviceRegistry } from './registry.ts'
import { Session } from './session.ts'
import type { Settings } from './settings.ts'

/** Time for the handshake, and the real controller's inform timeout. Source: o-device-emulator (reverse-engineered). */
const handshakeMilliseconds = 30_000
const informTimeoutMilliseconds = 300_000

/** TCP 29814: TLS, the adoption handshake and the informs of every connected device. */
export class ManagementServer {
  readonly #registry: DeviceRegistry
  readonly #log: Log
  readonly #omadacId: string
  readonly #settings: Settings
  readonly #certificate: KeyPair
  readonly #deviceHost: () => string
  readonly #isSilent: () => boolean
  readonly #listeners: TcpListener[] = []
  #port: number | undefined

  constructor(o: {
    settings: Settings
    registry: DeviceRegistry
    log: Log
    certificate: KeyPair
    deviceHost: () => string
    isSilent: () => boolean
  }) {
    this.#settings = o.settings
    this.#omadacId = o.settings.omadacId
    this.#registry = o.registry
    this.#log = o.log
    this.#certificate = o.certificate
    this.#deviceHost = o.deviceHost
    this.#isSilent = o.isSilent
  }

  /** Connections, over every time that it was opened and closed. */
  count(): { open: number; total: number } {
    const counts = this.#listeners.map((listener) => listener.count)
    return { open: counts.reduce((sum, c) => sum + c.open, 0), total: counts.reduce((sum, c) => sum + c.total, 0) }
  }

  /** Resolves with the port; a second start takes the same one. */
  async start(): Promise<number> {
    const { cert, key } = this.#certificate
    const server = createServer({ cert, key, handshakeTimeout: 15_000 }, (socket) => this.#serve(socket))
    server.on('tlsClientError', () => undefined)
    const listener = new TcpListener(server)
    this.#port = await listener.start(this.#port ?? this.#settings.ports.managerV2, this.#settings.bind)
    this.#listeners.push(listener)
    return this.#port
  }

  stopAccepting(): void {
    for (const listener of this.#listeners) listener.stopAccepting()
  }

  stop(): void {
    for (const listener of this.#listeners) listener.stop()
  }

  #serve(socket: TLSSocket): void {
    const from = plainAddress(socket.remoteAddress ?? '')
    const reader = new FrameReader()
    const session = new Session({
      registry: this.#registry,
      omadacId: this.#omadacId,
      from,
      deviceHost: this.#deviceHost,
      tellMilliseconds: this.#settings.tellMilliseconds,
    })
    socket.setTimeout(handshakeMilliseconds, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => session.close())
    socket.on('data', (chunk: Buffer) => {
      if (this.#isSilent()) return
      try {
        for (const message of reader.push(chunk)) {
          const answer = session.take(message)
          if (answer !== undefined) socket.write(encodeFrame(answer))
          const host = session.tellHost(message)
          if (host !== undefined) socket.write(encodeFrame(host))
          if (session.stage === 'connected') socket.setTimeout(informTimeoutMilliseconds)
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        this.#log.server('WARN', 'c.t.s.o.m.d.p.t.c', `channel of ${from} closed: ${reason}`, 'manage-work-group-0')
        socket.end()
      }
    })
  }
}
