import type { Socket } from 'node:net'
import { plainAddress } from '../../core/cidr.ts'
import type { Logger } from '../../core/logger.ts'
import type { QuietLog } from '../../core/quiet-log.ts'
import { rolesOf } from '../../omada/ports.ts'
import { type ClientConnections, PortCounters, type Refusal } from './counters.ts'
import type { ProxyDependencies } from './dependencies.ts'
import type { ConnectionLimits } from './limits.ts'
import { abort, pump } from './pump.ts'
import { connectUpstream } from './upstream.ts'

/** What all ports of one proxy share. */
export interface SharedByPorts {
  readonly dependencies: Pick<ProxyDependencies, 'access' | 'arrivesBy' | 'controllerAddress' | 'webUpstream'>
  readonly limits: ConnectionLimits
  readonly clientConnections: ClientConnections
  readonly logger: Logger
  readonly quietLog: QuietLog
  readonly connectMilliseconds: number
  readonly idleMilliseconds: number
  /** A socket of any port was closed. */
  readonly closed: () => void
}

/** Takes a client over and answers it; false when it cannot. */
type WaitingRoomDoor = (client: Socket) => boolean

/**
 * The connections of one port, from accept to close: who may come in, whether to the waiting room or to the controller,
 * and then both ways until both are done. Owns every socket that it accepts and opens.
 */
export class PortProxy {
  readonly port: number
  readonly counters = new PortCounters()
  readonly #shared: SharedByPorts
  readonly #waitingRoom: WaitingRoomDoor | undefined
  /** Clients' and those to the controller, while they are open. */
  readonly #sockets = new Set<Socket>()

  /** Only web ports have a waiting room. */
  constructor(options: { port: number; shared: SharedByPorts; waitingRoom?: WaitingRoomDoor | undefined }) {
    this.port = options.port
    this.#shared = options.shared
    this.#waitingRoom = options.waitingRoom
  }

  /** Sockets that are open, on either side. */
  get openSockets(): number {
    return this.#sockets.size
  }

  /** Takes over a client that was just accepted and not read from. Never throws: a defect costs this client only. */
  accept(client: Socket): void {
    this.counters.total += 1
    // An error is always followed by a close, which cleans up; without a listener it would end this process.
    client.on('error', () => {})
    try {
      this.#admit(client)
    } catch (error) {
      this.#shared.logger.error({ err: error, port: this.port }, 'a connection could not be served')
      abort(client)
    }
  }

  /**
   * A connection that the system could not accept, such as for want of memory. Those that libuv accepts and closes by
   * itself, because no open file is left, are not told to anybody and not counted.
   */
  shed(error: Error): void {
    this.counters.total += 1
    this.counters.refuse('no-resources')
    this.#shared.quietLog.atMost(`shed ${this.port}`, 'a connection was shed', {
      fields: { err: error, port: this.port },
    })
  }

  /** Closes every connection at once. */
  closeAll(): void {
    for (const socket of this.#sockets) abort(socket)
  }

  #admit(client: Socket): void {
    const { remoteAddress, localAddress } = client
    // A client that reset before it was accepted has no address any more.
    const address = remoteAddress === undefined ? '' : plainAddress(remoteAddress)
    const arrivedBy = remoteAddress === undefined ? undefined : this.#shared.dependencies.arrivesBy(remoteAddress)
    if (arrivedBy !== undefined) this.counters.arrived(arrivedBy)
    const refusal = this.#refusalOf(remoteAddress, localAddress)
    if (refusal !== undefined) {
      this.#refuse(client, address, refusal)
      return
    }
    this.counters.open += 1
    client.once('close', () => {
      this.counters.open -= 1
      this.#shared.limits.release(this.port, address)
    })
    this.#own(client)
    if (this.#waitingRoom !== undefined && this.#shared.dependencies.webUpstream().kind === 'wait')
      this.#wait(client, address)
    else this.#forward(client, address)
  }

  /** Takes a place within the limits unless there is a reason to turn the client away. */
  #refusalOf(remoteAddress: string | undefined, localAddress: string | undefined): Refusal | undefined {
    const { dependencies, limits } = this.#shared
    if (remoteAddress === undefined || localAddress === undefined) return 'client-gone'
    const peer = { localAddress, remoteAddress }
    if (!rolesOf(this.port).some((role) => dependencies.access(role).admits(peer))) return 'access'
    return limits.take(this.port, remoteAddress)
  }

  #forward(client: Socket, address: string): void {
    const { clientConnections, connectMilliseconds, dependencies, idleMilliseconds } = this.#shared
    const { port } = this
    const controllerAddress = dependencies.controllerAddress()
    if (controllerAddress === undefined) {
      this.#unserved(client, address, 'upstream-unreachable')
      return
    }
    const target = { address: controllerAddress, port, timeoutMilliseconds: connectMilliseconds }
    const upstream = connectUpstream(target, (refusal) => {
      client.off('close', giveUp)
      if (client.destroyed) {
        this.counters.refuse('client-gone')
        upstream.destroy()
        return
      }
      if (refusal !== undefined) {
        this.#unserved(client, address, refusal)
        return
      }
      clientConnections.connected(port, address)
      client.once('close', () => clientConnections.disconnected(port, address))
      pump(client, upstream, { idleMilliseconds, meter: this.counters })
    })
    const giveUp = () => upstream.destroy()
    client.once('close', giveUp)
    this.#own(upstream)
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#shared.closed()
    })
  }

  /** The controller cannot be reached. Nothing was read from the client yet: a web client can still be told so. */
  #unserved(client: Socket, address: string, refusal: Refusal): void {
    if (this.#waitingRoom === undefined) this.#refuse(client, address, refusal)
    else this.#wait(client, address)
  }

  #wait(client: Socket, address: string): void {
    if (this.#waitingRoom?.(client) === true) this.counters.waitingRoom += 1
    else this.#refuse(client, address, 'no-certificate')
  }

  #refuse(client: Socket, address: string, reason: Refusal): void {
    this.counters.refuse(reason)
    if (address !== '') this.#shared.clientConnections.refused(this.port, address, reason)
    this.#shared.quietLog.atMost(`${reason} ${this.port}`, 'a client was turned away', {
      fields: { client: address, port: this.port, reason },
    })
    abort(client)
  }
}
