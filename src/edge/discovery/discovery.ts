import type { EdgeConfig } from '../../config/schema.ts'
import { ipv4Contains, parseIpv4, parseIpv4Network } from '../../core/cidr.ts'
import type { Clock } from '../../core/clock.ts'
import type { Component } from '../../core/component.ts'
import type { Fault } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Periodic } from '../../core/periodic.ts'
import type { Device, DiscoveryState } from '../../ipc/edge-state.ts'
import { broadcastNetworks } from '../../network/broadcast-networks.ts'
import type { LocalAddress } from '../../network/interfaces.ts'
import type { PeerMessage } from '../../network/peer-message.ts'
import { discoveryPort } from '../../omada/ports.ts'
import { BroadcastTally } from './broadcasts.ts'
import { Peers } from './peers.ts'
import { PortListeners } from './port-listeners.ts'
import { type Correspondent, type Datagram, type DiscoveryPorts, wildcard } from './ports.ts'
import { type Exit, Relay } from './relay.ts'
import { SeenDevices } from './seen-devices.ts'
import { RateLimitedWarnings } from './warnings.ts'

export type { DiscoveryPorts } from './ports.ts'

/** How often idle sessions are looked for and devices' connections noted, in milliseconds. */
const upkeepEvery = 2000

/** Lets devices and the app find the controller although it sits behind a bridge that no broadcast crosses. */
export class Discovery implements Component {
  readonly name = 'discovery'
  readonly #logger: Logger
  readonly #ports: DiscoveryPorts
  readonly #devices: SeenDevices
  readonly #broadcasts: BroadcastTally
  readonly #peers: Peers
  readonly #warnings: RateLimitedWarnings
  readonly #relay: Relay
  readonly #listeners: ReadonlyMap<number, PortListeners>
  readonly #upkeep: Periodic
  #unsubscribe: (() => void) | undefined

  constructor(options: { config: EdgeConfig; logger: Logger; clock: Clock; ports: DiscoveryPorts }) {
    const { config, logger, clock, ports } = options
    this.#logger = logger
    this.#ports = ports
    this.#devices = new SeenDevices({ clock, ports })
    this.#warnings = new RateLimitedWarnings({ logger, clock })
    this.#broadcasts = new BroadcastTally({ clock, routing: ports.routing })
    this.#peers = new Peers({
      logger,
      clock,
      warnings: this.#warnings,
      networks: () => broadcastNetworks(ports.routing.addresses.list(), ports.access, ports.bridgeSubnet()),
      broadcast: async (payload, { address, broadcast }) => {
        await this.#listeners.get(discoveryPort)?.socketOn(address)?.broadcast(payload, discoveryPort, broadcast)
      },
    })
    this.#relay = new Relay({
      config,
      logger,
      clock,
      ports,
      devices: this.#devices,
      warnings: this.#warnings,
      exitTowards: (correspondent) => this.#exitTowards(correspondent),
      onPeerMessage: (message, datagram) => void this.#hear(message, datagram),
    })
    this.#listeners = new Map(
      config.discovery.ports.map((port) => [
        port,
        new PortListeners({ port, logger, clock, onDatagram: (datagram) => this.#receive(datagram) }),
      ]),
    )
    this.#upkeep = new Periodic({
      name: `${this.name} upkeep`,
      logger,
      clock,
      intervalMilliseconds: upkeepEvery,
      work: () => {
        this.#relay.expire()
        this.#devices.observe()
      },
    })
  }

  /** Resolves when every port is served or has told in `state()` why it is not; such a port is tried again by itself. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#unsubscribe = this.#ports.routing.addresses.changed.on(
      () => void this.#follow().then(() => this.#peers.probe('new')),
    )
    await this.#follow()
    try {
      await this.#upkeep.start(signal)
      await this.#peers.start(signal)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    await Promise.all([this.#upkeep.stop(), this.#peers.stop()])
    await Promise.all([...this.#listeners.values()].map((listeners) => listeners.close()))
    this.#relay.close()
  }

  state(): DiscoveryState {
    return {
      sessions: this.#relay.sessions,
      devices: this.#devices.size,
      outcomes: this.#relay.outcomes(),
      listeners: [...this.#listeners.values()].flatMap((listeners) => listeners.state()),
      broadcasts: this.#broadcasts.list(),
      peers: this.#peers.list(),
    }
  }

  /** Every device that announced itself, the latest first. */
  devices(): readonly Device[] {
    return this.#devices.list()
  }

  /** What a user should know now and can do something about. */
  warnings(): readonly Fault[] {
    const current = [
      ...this.#peers.warnings(),
      ...this.#warnings.current(['flood', 'sessions-crowded', 'session-failed', 'answer-failed']),
    ]
    if (this.#served().some((local) => !local.internal)) return current
    return [
      ...current,
      {
        code: 'DISCOVERY_NO_ADDRESS',
        message: 'this machine has no IPv4 address on a network where devices are served: only broadcasts are relayed',
        remedy: 'give it an address (ip address), or correct access.devices',
      },
    ]
  }

  #receive(datagram: Datagram): void {
    this.#broadcasts.note(datagram)
    this.#relay.receive(datagram)
  }

  async #hear(message: PeerMessage, datagram: Datagram): Promise<void> {
    const own = this.#ports.routing.isOwn(datagram.address)
    const answer = this.#peers.receive(message, { address: datagram.address, own })
    if (answer === undefined) return
    try {
      await this.#exitTowards(datagram)?.send(answer, datagram.port, datagram.address)
    } catch (error) {
      this.#logger.debug({ err: error }, 'another omada-host could not be answered')
    }
  }

  async #follow(): Promise<void> {
    const served = this.#served().map((local) => local.address)
    await Promise.all([...this.#listeners.values()].map((listeners) => listeners.follow(served)))
  }

  /** The IPv4 addresses on which devices are served; not the bridge's, behind which only the container is. */
  #served(): readonly LocalAddress[] {
    const bridge = parseIpv4Network(this.#ports.bridgeSubnet())
    return this.#ports.access.servedAddresses().filter((local) => {
      const value = parseIpv4(local.address)
      return value !== undefined && !(bridge !== undefined && ipv4Contains(bridge, value))
    })
  }

  /**
   * The address that the device addressed, or after a broadcast this machine's address towards it. The wildcard's socket
   * is the last resort while neither has a socket: the kernel then takes the address that the route prefers.
   */
  #exitTowards(correspondent: Correspondent): Exit | undefined {
    const { discoveryPort: port, localAddress } = correspondent
    const listeners = this.#listeners.get(port)
    const addressed = localAddress === undefined ? undefined : listeners?.socketOn(localAddress)
    if (addressed !== undefined) return addressed
    const address = this.#ports.routing.localAddressTowards(correspondent.address)?.address
    const towards = address === undefined ? undefined : listeners?.socketOn(address)
    if (towards !== undefined) return towards
    const socket = listeners?.socketOn(wildcard)
    return socket && { address, send: (payload, port, to) => socket.send(payload, port, to) }
  }
}
