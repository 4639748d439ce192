import type { Component, Loop } from '../../core/component.ts'
import { periodic } from '../../core/periodic.ts'
import type { Device, DiscoveryState } from '../../ipc/edge-state.ts'
import { broadcastNetworks } from '../../network/broadcast-networks.ts'
import { Admission } from './admission.ts'
import type { DiscoveryDependencies, DiscoveryOptions } from './dependencies.ts'
import { BroadcastTally, intakeOf } from './intake.ts'
import { Listeners } from './listeners.ts'
import { tellOfLost } from './lost-devices.ts'
import { OtherAppliances } from './other-appliances.ts'
import { Outcomes } from './outcomes.ts'
import { Relay } from './relay.ts'
import { SeenDevices } from './seen-devices.ts'

/** How often idle sessions are looked for, devices' connections noted, and the served addresses compared. */
const upkeepMilliseconds = 2000

/**
 * Lets devices and the app find the controller although it sits behind a bridge that no broadcast crosses. A datagram goes
 * listeners → intake → relay → controller, and its answer relay → listeners.
 */
export class Discovery implements Component {
  readonly name = 'discovery'
  readonly #dependencies: DiscoveryDependencies
  readonly #broadcasts: BroadcastTally
  readonly #devices: SeenDevices
  readonly #listeners: Listeners
  readonly #others: OtherAppliances
  readonly #outcomes: Outcomes
  readonly #relay: Relay
  readonly #upkeep: Loop
  #unsubscribe: (() => void) | undefined

  constructor(options: DiscoveryOptions) {
    const { access, bridgeSubnet, routing, warnings } = options.dependencies
    const { ports, ratePerSource } = options.config.discovery
    const shared = { ...options, ports, routing, warnings, ratePerSource }
    this.#dependencies = options.dependencies
    this.#broadcasts = new BroadcastTally(shared)
    this.#devices = new SeenDevices(shared)
    this.#outcomes = new Outcomes(shared)
    this.#listeners = new Listeners({ ...shared, onDatagram: (datagram) => takeIn(datagram) })
    this.#others = new OtherAppliances({
      ...shared,
      exits: this.#listeners,
      networks: () => broadcastNetworks(routing.addresses.list(), access, bridgeSubnet()),
    })
    this.#relay = new Relay({ ...shared, outcomes: this.#outcomes, devices: this.#devices, exits: this.#listeners })
    const isOwnPort = (port: number) => ports.includes(port) || this.#relay.sessions.hasLocalPort(port)
    const takeIn = intakeOf({
      ...shared,
      admission: new Admission({ ...shared, isOwnPort }),
      broadcasts: this.#broadcasts,
      devices: this.#devices,
      others: this.#others,
      outcomes: this.#outcomes,
      relay: this.#relay,
    })
    this.#upkeep = periodic({
      ...options,
      name: `${this.name} upkeep`,
      intervalMilliseconds: upkeepMilliseconds,
      work: () => this.#keepUp(),
    })
  }

  /** Resolves when every port is served or has told in `state()` why it is not; such a port is tried again by itself. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#unsubscribe = this.#dependencies.routing.addresses.changed.on(() => void this.#follow())
    await this.#listeners.follow()
    this.#tellOfAddresses()
    try {
      await this.#upkeep.start(signal)
      await this.#others.start(signal)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    await this.#upkeep.stop()
    await this.#others.stop()
    await this.#listeners.close()
    this.#relay.close()
  }

  state(): DiscoveryState {
    return {
      sessions: this.#relay.sessions.size,
      devices: this.#devices.size,
      outcomes: this.#outcomes.snapshot(),
      listeners: this.#listeners.state(),
      broadcasts: this.#broadcasts.list(),
      peers: this.#others.list(),
    }
  }

  /** Every device that announced itself, the latest first. */
  devices(): readonly Device[] {
    return this.#devices.list()
  }

  async #keepUp(): Promise<void> {
    this.#relay.sessions.expire()
    this.#devices.observe()
    tellOfLost(this.#devices.lost(), this.#dependencies.warnings)
    this.#others.tell()
    // The addresses are the same, but access.devices may be another list.
    await this.#follow()
  }

  /** Serves on the addresses that are served now, and asks the networks that have come for other appliances. */
  async #follow(): Promise<void> {
    const isNew = await this.#listeners.follow()
    this.#tellOfAddresses()
    if (isNew) await this.#others.probe('new')
  }

  #tellOfAddresses(): void {
    const { warnings } = this.#dependencies
    const code = 'DISCOVERY_NO_ADDRESS'
    if (this.#listeners.served().some((local) => !local.internal)) warnings.clear(code)
    else
      warnings.raise(code, {
        code,
        message: 'this machine has no IPv4 address on a network where devices are served: only broadcasts are relayed',
        remedy: 'give it an address (ip address), or correct access.devices',
      })
  }
}
