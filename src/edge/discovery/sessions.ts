import type { Clock } from '../../core/clock.ts'
import { systemCode } from '../../core/errors.ts'
import { LruMap } from '../../core/lru-map.ts'
import { type ConnectedUdpSocket, connectUdp } from '../../network/udp-socket.ts'
import type { Datagram } from './port-listeners.ts'

/** One device port that talks to one discovery port of the controller. */
export interface Session {
  readonly address: string
  readonly port: number
  readonly discoveryPort: number
  /** The controller's address that its socket is connected to. */
  readonly controllerAddress: string
  readonly upstream: ConnectedUdpSocket
  /** The address of ours that the device addressed last; undefined after a broadcast. */
  localAddress: string | undefined
  /** The device that announced itself here last. */
  mac: string | undefined
  /** Monotonic milliseconds. */
  usedAt: number
}

interface SessionsOptions {
  readonly clock: Clock
  readonly max: number
  readonly idleSeconds: number
  readonly onAnswer: (session: Session, payload: Buffer) => void
  /** An error of an earlier datagram of this session, or of its socket. */
  readonly onError: (session: Session, error: Error) => void
  /** A session had to give way before its time. */
  readonly onCrowded: () => void
}

/** No socket is left: this process or the machine is out of open files, ports or memory. */
const exhaustion = new Set(['EMFILE', 'ENFILE', 'EADDRINUSE', 'EADDRNOTAVAIL', 'EAGAIN', 'ENOBUFS', 'ENOMEM'])

/**
 * The sessions, bounded in number and in idle time; owns their sockets. The longest idle gives way when the table is
 * full or the machine has no socket left.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #sessions: LruMap<string, Session>
  readonly #localPorts = new Set<number>()

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#sessions = new LruMap({
      max: options.max,
      onEvict: (_, session) => {
        this.#release(session)
        options.onCrowded()
      },
    })
  }

  get size(): number {
    return this.#sessions.size
  }

  /** True for the local port of a session's socket. */
  hasLocalPort(port: number): boolean {
    return this.#localPorts.has(port)
  }

  /**
   * The session of this datagram's sender with the controller at that address, opened when there is none. One with an
   * address that the controller had before is closed. @throws the system's error when it cannot be opened
   */
  of(datagram: Datagram, controllerAddress: string): Session {
    const key = keyOf(datagram)
    let session = this.#sessions.get(key)
    if (session !== undefined && session.controllerAddress !== controllerAddress) {
      this.#remove(key, session)
      session = undefined
    }
    session ??= this.#create(key, datagram, controllerAddress)
    session.usedAt = this.#options.clock.now()
    session.localAddress = datagram.localAddress
    return session
  }

  /** The controller answered: the session is in use. */
  touch(session: Session): void {
    if (this.#sessions.get(keyOf(session)) === session) session.usedAt = this.#options.clock.now()
  }

  /** Closes what has been idle for too long. */
  expire(): void {
    const limit = this.#options.clock.now() - this.#options.idleSeconds * 1000
    for (const [key, session] of this.#sessions) {
      if (session.usedAt > limit) return
      this.#remove(key, session)
    }
  }

  closeAll(): void {
    for (const [key, session] of this.#sessions) this.#remove(key, session)
  }

  #create(key: string, datagram: Datagram, controllerAddress: string): Session {
    const { address, port, discoveryPort, localAddress } = datagram
    const upstream = this.#openOrMakeRoom(() =>
      connectUdp({
        address: controllerAddress,
        port: discoveryPort,
        onDatagram: (payload) => this.#options.onAnswer(session, payload),
        onError: (error) => this.#options.onError(session, error),
      }),
    )
    const session: Session = {
      ...{ address, port, discoveryPort, controllerAddress, upstream, localAddress },
      mac: undefined,
      usedAt: this.#options.clock.now(),
    }
    this.#localPorts.add(upstream.localPort)
    this.#sessions.set(key, session)
    return session
  }

  #openOrMakeRoom(open: () => ConnectedUdpSocket): ConnectedUdpSocket {
    try {
      return open()
    } catch (error) {
      const oldest = this.#sessions.oldest()
      if (oldest === undefined || !exhaustion.has(systemCode(error) ?? '')) throw error
      this.#remove(...oldest)
      this.#options.onCrowded()
      return open()
    }
  }

  #remove(key: string, session: Session): void {
    this.#sessions.delete(key)
    this.#release(session)
  }

  #release(session: Session): void {
    this.#localPorts.delete(session.upstream.localPort)
    session.upstream.close()
  }
}

function keyOf({ address, port, discoveryPort }: Pick<Session, 'address' | 'port' | 'discoveryPort'>): string {
  return `${address} ${port} ${discoveryPort}`
}
