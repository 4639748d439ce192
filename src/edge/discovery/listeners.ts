import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import { discoveryPort } from '../../omada/ports.ts'
import type { DiscoveryDependencies } from './dependencies.ts'
import { type Datagram, PortListeners, wildcard } from './port-listeners.ts'

/** The way out to a device, from one address of this machine. */
export interface Exit {
  /** The address that the device sees; undefined when this machine has none towards it. */
  readonly address: string | undefined
  /** @throws the system's error */
  send(payload: Buffer, port: number, address: string): Promise<void>
}

/** The ways out to the LAN. */
export interface Exits {
  /** By which socket whoever asked is answered; undefined when none is open. */
  towards(correspondent: Pick<Datagram, 'address' | 'discoveryPort' | 'localAddress'>): Exit | undefined
  /** Sends from this machine's address on the network to everybody there, on the discovery port. @throws the system's error */
  broadcast(payload: Buffer, network: BroadcastNetwork): Promise<void>
}

/** The listening sockets of all discovery ports: by them datagrams come in, and answers leave. */
export class Listeners implements Exits {
  readonly #dependencies: Pick<DiscoveryDependencies, 'access' | 'bridgeSubnet' | 'routing'>
  readonly #byPort: ReadonlyMap<number, PortListeners>
  #followed = { served: '', done: Promise.resolve() }

  constructor(options: {
    ports: readonly number[]
    logger: Logger
    clock: Clock
    dependencies: Pick<DiscoveryDependencies, 'access' | 'bridgeSubnet' | 'routing'>
    onDatagram: (datagram: Datagram) => void
  }) {
    this.#dependencies = options.dependencies
    this.#byPort = new Map(options.ports.map((port) => [port, new PortListeners({ ...options, port })]))
  }

  /** The IPv4 addresses on which devices are served; not the bridge's, behind which only the container is. */
  served(): readonly LocalAddress[] {
    const bridge = parseIpv4Network(this.#dependencies.bridgeSubnet())
    return this.#dependencies.access.servedAddresses().filter((local) => {
      const value = parseIpv4(local.address)
      return value !== undefined && !(bridge !== undefined && ipv4Contains(bridge, value))
    })
  }

  /**
   * Serves on the addresses that are served now. Resolves when every port is open or known not to be, with whether the
   * addresses are others than at the last call; a port that is not open is tried again by itself. Never rejects.
   */
  async follow(): Promise<boolean> {
    const addresses = this.served().map((local) => local.address)
    const served = ['', ...addresses].join(' ')
    const isNew = served !== this.#followed.served
    if (isNew) this.#followed = { served, done: this.#openOn(addresses) }
    await this.#followed.done
    return isNew
  }

  async #openOn(addresses: readonly string[]): Promise<void> {
    await Promise.all([...this.#byPort.values()].map((listeners) => listeners.follow(addresses)))
  }

  state(): readonly ListenerState[] {
    return [...this.#byPort.values()].flatMap((listeners) => listeners.state())
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byPort.values()].map((listeners) => listeners.close()))
  }

  /**
   * The address that the device addressed, or after a broadcast this machine's address towards it. The wildcard's socket
   * is the last resort while neither has a socket: the kernel then takes the address that the route prefers.
   */
  towards(correspondent: Pick<Datagram, 'address' | 'discoveryPort' | 'localAddress'>): Exit | undefined {
    const { discoveryPort: port, localAddress } = correspondent
    const listeners = this.#byPort.get(port)
    const addressed = localAddress === undefined ? undefined : listeners?.socketOn(localAddress)
    if (addressed !== undefined) return addressed
    const address = this.#dependencies.routing.localAddressTowards(correspondent.address)?.address
    const towards = address === undefined ? undefined : listeners?.socketOn(address)
    if (towards !== undefined) return towards
    const socket = listeners?.socketOn(wildcard)
    return socket && { address, send: (payload, to, at) => socket.send(payload, to, at) }
  }

  async broadcast(payload: Buffer, { address, broadcast }: BroadcastNetwork): Promise<void> {
    await this.#byPort.get(discoveryPort)?.socketOn(address)?.broadcast(payload, discoveryPort, broadcast)
  }
}
