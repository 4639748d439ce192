import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import type { BroadcastNetwork } from '../../network/broadcast-networks.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import { discoveryPort } from '../../omada/ports.ts'
import type { DiscoveryDependencies, DiscoveryOptions } from './dependencies.ts'
import { type Datagram, PortListeners, wildcard } from './port-listeners.ts'

/** The way out to a device, from one address of this machine. */
export interface Exit {
  /** The address that the device sees; undefined when this machine has none towards it. */
  readonly address: string | undefined
  /** @throws the system's error */
  send(payload: Buffer, port: number, address: string): Promise<void>
}

/** The ways out to the LAN. */
export type Exits = Pick<Listeners, 'towards' | 'broadcast'>

/** The listening sockets of all discovery ports: by them datagrams come in, and answers leave. */
export class Listeners {
  readonly #dependencies: DiscoveryDependencies
  readonly #byPort: ReadonlyMap<number, PortListeners>
  #followed: { readonly served: string; readonly done?: Promise<unknown> } = { served: '' }

  constructor(options: DiscoveryOptions & { onDatagram: (datagram: Datagram) => void }) {
    this.#dependencies = options.dependencies
    this.#byPort = new Map(
      options.config.discovery.ports.map((port) => [port, new PortListeners({ ...options, port })]),
    )
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
    if (isNew) {
      const opening = [...this.#byPort.values()].map((listeners) => listeners.follow(addresses))
      this.#followed = { served, done: Promise.all(opening) }
    }
    await this.#followed.done
    return isNew
  }

  state(): readonly ListenerState[] {
    return [...this.#byPort.values()].flatMap((listeners) => listeners.state())
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byPort.values()].map((listeners) => listeners.close()))
  }

  /**
   * By which socket whoever asked is answered; undefined when none is open. It is the one of the address that the device
   * addressed, or after a broadcast of this machine's address towards it. The wildcard's is the last resort while neither
   * has one: the kernel then takes the address that the route prefers.
   */
  towards(correspondent: Pick<Datagram, 'address' | 'discoveryPort' | 'localAddress'>): Exit | undefined {
    const listeners = this.#byPort.get(correspondent.discoveryPort)
    const addressed = listeners?.socketOn(correspondent.localAddress)
    if (addressed !== undefined) return addressed
    const address = this.#dependencies.routing.localAddressTowards(correspondent.address)?.address
    const last = listeners?.socketOn(wildcard)
    return listeners?.socketOn(address) ?? (last && { address, send: (payload, to, at) => last.send(payload, to, at) })
  }

  /** Sends from our address on the network to everybody there, on the discovery port. @throws the system's error */
  async broadcast(payload: Buffer, { address, broadcast }: BroadcastNetwork): Promise<void> {
    await this.#byPort.get(discoveryPort)?.socketOn(address)?.broadcast(payload, discoveryPort, broadcast)
  }
}
