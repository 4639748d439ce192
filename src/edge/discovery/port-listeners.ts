import type { Clock } from '../../core/clock.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import { UdpSocket } from '../../network/udp-socket.ts'
import { KeepOpen } from '../listening/keep-open.ts'
import { listenFault, portName } from '../listening/listen-fault.ts'

/** The wildcard address, on which broadcasts arrive. */
export const wildcard = '0.0.0.0'

/** One datagram from the LAN. */
export interface Datagram {
  readonly payload: Buffer
  readonly address: string
  readonly port: number
  /** The discovery port on which it arrived. */
  readonly discoveryPort: number
  /** The address of ours to which it was sent; undefined when it came by the wildcard socket: a broadcast. */
  readonly localAddress: string | undefined
}

/** What the kernel may hold for one socket, in bytes. For bursts, such as a power cut's end. */
const receiveBufferBytes = 4 * 1024 * 1024

interface PortListenersOptions {
  readonly port: number
  readonly logger: Logger
  readonly clock: Clock
  readonly onDatagram: (datagram: Datagram) => void
}

/** One address: its socket, or why it has none. */
type Entry = { readonly socket: UdpSocket } | { readonly fault: Fault }

/**
 * The listening sockets of one discovery port: one on each served address, so that an answer can leave from the address
 * that the device addressed, and one on the wildcard, the only one that receives broadcasts. Follows the addresses; what
 * cannot be opened is tried again and again, and keeps nothing else from serving.
 */
export class PortListeners {
  readonly #options: PortListenersOptions
  readonly #keepOpen: KeepOpen
  readonly #entries = new Map<string, Entry>()
  #wanted: readonly string[] = []

  constructor(options: PortListenersOptions) {
    this.#options = options
    this.#keepOpen = new KeepOpen({
      ...options,
      name: portName({ protocol: 'udp', port: options.port }),
      open: () => this.#reconcile(),
    })
  }

  /** Serves on these IPv4 addresses and the wildcard. Resolves when that is so, or is known to have failed; never rejects. */
  async follow(addresses: readonly string[]): Promise<void> {
    // The wildcard comes last: until then it would take what is meant for the others.
    this.#wanted = [...new Set(addresses), wildcard]
    await this.#keepOpen.tryNow()
  }

  /** The socket on this address, if it is open. */
  socketOn(address: string | undefined): UdpSocket | undefined {
    const entry = address === undefined ? undefined : this.#entries.get(address)
    return entry !== undefined && 'socket' in entry ? entry.socket : undefined
  }

  state(): readonly ListenerState[] {
    const { port } = this.#options
    if (this.#entries.size === 0) return [{ protocol: 'udp', address: '*', port, state: 'closed' }]
    return [...this.#entries].map(([address, entry]) => ({
      protocol: 'udp',
      address: address === wildcard ? '*' : address,
      port,
      ...('socket' in entry ? { state: 'listening' } : { state: 'failed', reason: entry.fault }),
    }))
  }

  async close(): Promise<void> {
    await this.#keepOpen.stop()
    this.#wanted = []
    await this.#closeUnwanted()
  }

  /** Brings the sockets in line with the addresses that are wanted now. */
  async #reconcile(): Promise<readonly Fault[]> {
    const wanted = this.#wanted
    await this.#closeUnwanted()
    const missing = wanted.filter((address) => this.socketOn(address) === undefined)
    const heldByOther = missing.length === wanted.length ? await this.#heldByOther() : undefined
    for (const address of missing) {
      this.#entries.set(address, heldByOther === undefined ? await this.#bind(address) : { fault: heldByOther })
    }
    return [...this.#entries.values()].flatMap((entry) => ('fault' in entry ? [entry.fault] : []))
  }

  async #closeUnwanted(): Promise<void> {
    for (const [address, entry] of this.#entries) {
      if (this.#wanted.includes(address)) continue
      this.#entries.delete(address)
      if ('socket' in entry) await entry.socket.close()
    }
  }

  /**
   * Whether another process holds the port, which SO_REUSEPORT hides where it is of the same user: the two would share the
   * datagrams. To be asked while no socket of ours is on the port.
   */
  async #heldByOther(): Promise<Fault | undefined> {
    try {
      const none = () => undefined
      const { port } = this.#options
      const alone = await UdpSocket.bind({ address: wildcard, port, onDatagram: none, onError: none })
      await alone.close()
      return undefined
    } catch (error) {
      return this.#fault(error)
    }
  }

  async #bind(address: string): Promise<Entry> {
    const { port: discoveryPort, logger, onDatagram } = this.#options
    const localAddress = address === wildcard ? undefined : address
    try {
      const socket = await UdpSocket.bind({
        address,
        port: discoveryPort,
        shared: true,
        receiveBufferBytes,
        onDatagram: (payload, sender) =>
          onDatagram({ payload, address: sender.address, port: sender.port, discoveryPort, localAddress }),
        onError: (error) => logger.debug({ err: error, address, port: discoveryPort }, 'error on a discovery socket'),
      })
      return { socket }
    } catch (error) {
      return { fault: this.#fault(error, localAddress) }
    }
  }

  #fault(error: unknown, address?: string): Fault {
    return listenFault({ protocol: 'udp', port: this.#options.port, address, setting: 'discovery.ports' }, error)
  }
}
