import type { Clock } from '../../core/clock.ts'
import { LruMap } from '../../core/lru-map.ts'
import type { Device } from '../../ipc/edge-state.ts'
import { type Announce, factoryControllerId } from '../../omada/announce.ts'
import type { DiscoveryDependencies } from './dependencies.ts'
import { adoptionOf, type DeviceContext, type SeenDevice, viewOf } from './device-view.ts'

/**
 * Devices that are remembered at once; the one that has been silent for longest, and is not connected, gives way. As many
 * of the oldest are looked at between two observations to find it.
 */
const maxDevices = 4096
/** A device that was silent for this long, and is not connected, is forgotten. */
const forgetMilliseconds = 24 * 3600_000
/** The farthest that a clock is believed to be off: a hundred years. */
const maxSkewMilliseconds = 100 * 365 * 86_400_000

/** A device that is connected was observed so within this time. */
const connectedMilliseconds = 10_000
/** After a connection that ended a device announces itself within seconds, or connects again; one that reboots takes minutes. */
const lostMilliseconds = 600_000

/** How far wall clock and monotonic clock drift apart before the times shown follow. */
const clockDriftMilliseconds = 1000

interface SeenDevicesOptions {
  readonly clock: Clock
  readonly dependencies: Pick<DiscoveryDependencies, 'omadacId' | 'managementConnections'>
}

/** Every device that announced itself, by MAC address. */
export class SeenDevices {
  readonly #options: SeenDevicesOptions
  readonly #devices = new LruMap<string, SeenDevice>({ max: maxDevices })
  /** What was told of each last, and all that it follows from and can change. */
  readonly #told = new WeakMap<SeenDevice, { readonly view: Device; readonly follows: readonly unknown[] }>()
  #looks = maxDevices
  /** What the wall clock is ahead of the monotonic one, in milliseconds. */
  #wallAheadMilliseconds = Number.NEGATIVE_INFINITY

  constructor(options: SeenDevicesOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#devices.size
  }

  /** A device announced itself from this address. */
  announced(announce: Announce, address: string): void {
    const { clock } = this.#options
    const device = this.#devices.get(announce.mac) ?? this.#insert(announce, address)
    const skewMilliseconds = announce.timestamp === undefined ? undefined : announce.timestamp - clock.wall()
    device.announce = announce
    device.address = address
    device.skewMilliseconds =
      skewMilliseconds !== undefined && Math.abs(skewMilliseconds) <= maxSkewMilliseconds ? skewMilliseconds : undefined
    device.seenAt = clock.now()
    device.announces++
    if (announce.controllerId === factoryControllerId) device.managed = false
  }

  /** The controller's PRE_ADOPT_REQUEST went to this device. */
  adoptSent(mac: string): void {
    const device = this.#devices.peek(mac)
    if (device !== undefined) device.adoptSentAt = this.#options.clock.now()
  }

  /** True when this device has announced itself. */
  has(mac: string): boolean {
    return this.#devices.has(mac)
  }

  /** Notes which devices have connected, and forgets those that are long gone. Call every few seconds. */
  observe(): void {
    const now = this.#options.clock.now()
    this.#looks = maxDevices
    for (const [mac, device] of this.#devices) {
      if (adoptionOf(device, this.#contextOf(device)) === 'connected') {
        device.managed = true
        device.connectedAt = now
        device.adoptSentAt = undefined
      } else if (now - Math.max(device.seenAt, device.connectedAt ?? 0) > forgetMilliseconds) this.#devices.delete(mac)
    }
  }

  /**
   * Devices that were connected and have done nothing at all for ten minutes, the one that was connected last first; none
   * while no other device is connected, which has other reasons. As of the last observation.
   */
  lost(): readonly { readonly name: string; readonly address: string }[] {
    const now = this.#options.clock.now()
    const connected = ({ connectedAt }: SeenDevice) =>
      connectedAt !== undefined && now - connectedAt <= connectedMilliseconds
    const all = [...this.#devices.values()]
    if (!all.some(connected)) return []
    return all
      .filter((device) => device.managed && now - Math.max(device.connectedAt ?? now, device.seenAt) > lostMilliseconds)
      .sort((a, b) => (b.connectedAt ?? 0) - (a.connectedAt ?? 0))
      .map(({ announce, address }) => ({ name: announce.name, address }))
  }

  /** Every device, the one that announced itself last first. */
  list(): readonly Device[] {
    // The times shown are computed from ages: they stay right when the clock is set, and the same in between.
    const { clock } = this.#options
    const wallAheadMilliseconds = clock.wall() - clock.now()
    if (Math.abs(wallAheadMilliseconds - this.#wallAheadMilliseconds) > clockDriftMilliseconds)
      this.#wallAheadMilliseconds = wallAheadMilliseconds
    return [...this.#devices.values()].sort((a, b) => b.seenAt - a.seenAt).map((device) => this.#viewOf(device))
  }

  /** The very object of before while nothing in it is other: of thousands most stay as they are from one look to the next. */
  #viewOf(device: SeenDevice): Device {
    const context = this.#contextOf(device)
    const adoption = adoptionOf(device, context)
    const { announces, managed } = device
    const follows = [adoption, announces, managed, context.omadacId, context.wallAheadMilliseconds]
    const told = this.#told.get(device)
    // Why one is stalled changes with each try of its.
    if (adoption !== 'stalled' && told?.follows.every((value, index) => value === follows[index]) === true)
      return told.view
    const view = viewOf(device, context)
    this.#told.set(device, { view, follows })
    return view
  }

  #contextOf(device: SeenDevice): DeviceContext {
    const { clock, dependencies } = this.#options
    return {
      now: clock.now(),
      wallAheadMilliseconds: this.#wallAheadMilliseconds,
      omadacId: dependencies.omadacId(),
      connections: () => dependencies.managementConnections(device.address),
    }
  }

  #insert(announce: Announce, address: string): SeenDevice {
    if (this.#devices.size >= maxDevices) this.#spareConnected()
    const now = this.#options.clock.now()
    const device: SeenDevice = {
      announce,
      address,
      skewMilliseconds: undefined,
      firstSeenAt: now,
      seenAt: now,
      announces: 0,
      adoptSentAt: undefined,
      managed: false,
      connectedAt: undefined,
    }
    this.#devices.set(announce.mac, device)
    return device
  }

  /**
   * Connected devices announce nothing and would be the first to go: each oldest one is made the newest instead. Anybody
   * can fill the table with devices that count as connected; the looks are bounded, so that this costs no time.
   */
  #spareConnected(): void {
    for (; this.#looks > 0; this.#looks--) {
      const oldest = this.#devices.oldest()
      if (oldest === undefined || adoptionOf(oldest[1], this.#contextOf(oldest[1])) !== 'connected') return
      this.#devices.get(oldest[0])
    }
  }
}
