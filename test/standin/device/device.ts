import type { RemoteInfo, Socket } from 'node:dgram'
import { setTimeout as delay } from 'node:timers/promises'
import { announcement, type DeviceClass, type Identity } from '../protocol/announce.ts'
import { decodeDatagram, encodeFrame } from '../protocol/frame.ts'
import { messageType, textOf } from '../protocol/messages.ts'
import { ManagementChannel } from './channel.ts'
import type { EventName, EventSink } from './events.ts'
import { fetchOmadacId } from './info.ts'
import { openUdp, sendTo } from './udp.ts'

const longestRetryMilliseconds = 30_000
/** A device that could not be adopted goes back to announcing itself as new after so many tries. */
const maxFirstTries = 5
/** Ours: of real devices it is only known that they go offline some time later, one after the other. */
const hourMilliseconds = 3_600_000

export interface DeviceOptions {
  readonly class: DeviceClass
  readonly mac: string
  readonly model: string
  readonly name: string
  /** Its own address; all its sockets are bound to it. */
  readonly address: string
  /** Where each announce goes: broadcast addresses or an inform address. */
  readonly announceTo: readonly string[]
  readonly port: number
  readonly webPort: number
  readonly announceMilliseconds: number
  readonly informMilliseconds: number
  readonly clockSkewSeconds: number
  /** Connect to the address that PRE_ADOPT names in its body, if any, instead of to where it came from. */
  readonly followNamedAddress: boolean
  readonly password: string
  /** Whose it says it is: the factory's id while it waits to be adopted. */
  readonly controllerId: string
  /** Before the second try to connect; doubles from there to half a minute. */
  readonly retryMilliseconds: number
  /** The longest pause between two tries, which double; 30 s unless given. */
  readonly maxRetryMilliseconds?: number
  /** Before the first announce. */
  readonly delayMilliseconds: number
  /** True: a load that no real device makes, which falls silent from PRE_ADOPT on. */
  readonly announceWhileConnected?: boolean
  /** So long after it was told another address it closes its connection and goes there; an hour unless given. */
  readonly moveMilliseconds?: number
  /** So long it does not announce when it reaches nobody where it was told to go; an hour unless given. */
  readonly silentMilliseconds?: number
  readonly onEvent: EventSink
}

interface Target {
  readonly host: string
  readonly port: number
}

/**
 * A device as the controller sees it: announces itself, is adopted, informs, and comes back when its connection is lost,
 * announcing itself as the controller's own meanwhile.
 */
export class SimulatedDevice {
  readonly #options: DeviceOptions
  readonly #identity: Identity
  readonly #stopped = new AbortController()
  readonly #startedAt = performance.now()
  #socket: Socket | undefined
  #announceTimer: NodeJS.Timeout | undefined
  #controllerId: string
  #target: Target | undefined
  /** Ends the wait before the next try. */
  #wake = new AbortController()
  #channel: ManagementChannel | undefined
  #managing: Promise<void> | undefined
  #moveTimer: NodeJS.Timeout | undefined
  /** It went where it was told to go and was not connected since: it believes that it is managed. */
  #moved = false
  #informs = 0
  #failure = ''

  constructor(options: DeviceOptions) {
    this.#options = options
    this.#identity = options
    this.#controllerId = options.controllerId
  }

  /** Resolves when announcing. @throws the system's error when its address cannot be bound */
  async start(): Promise<void> {
    this.#socket = await openUdp(this.#options.address, (datagram, from) => this.#receive(datagram, from))
    this.#announceFrom(this.#options.delayMilliseconds)
  }

  /** Everything closed. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#stopAnnouncing()
    clearTimeout(this.#moveTimer)
    this.#channel?.close('the device is switched off')
    await this.#managing
    this.#socket?.close()
    this.#socket = undefined
  }

  /** Cuts the connection to the controller, as a pulled cable does; the device comes back by itself. */
  disconnect(): void {
    this.#channel?.close('cut by the test')
  }

  #announceFrom(milliseconds: number): void {
    this.#stopAnnouncing()
    this.#announceTimer = setTimeout(() => {
      this.#announceFrom(this.#options.announceMilliseconds)
      void this.#announce()
    }, milliseconds)
  }

  #pauseAnnouncing(): void {
    if (this.#options.announceWhileConnected !== true) this.#stopAnnouncing()
  }

  #stopAnnouncing(): void {
    clearTimeout(this.#announceTimer)
    this.#announceTimer = undefined
  }

  async #announce(): Promise<void> {
    const { announceTo, port, clockSkewSeconds } = this.#options
    const timestamp = Date.now() + clockSkewSeconds * 1000
    const frame = encodeFrame(announcement(this.#identity, this.#controllerId, timestamp, this.#upSeconds()))
    for (const address of announceTo) {
      const socket = this.#socket
      if (socket === undefined) return
      const reason = await sendTo(socket, frame, address, port)
      const to = `${address}:${port}`
      if (reason === undefined) this.#tell('announced', { to })
      else this.#tell('announceFailed', { to, reason })
    }
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    const message = decodeDatagram(datagram)
    if (message?.header.type !== messageType.preAdoptRequest || message.header.mac !== this.#identity.mac) return
    const { adoptPort, ip } = message.body
    const named = typeof ip === 'string' ? { named: textOf(ip) } : {}
    const port = typeof adoptPort === 'number' && adoptPort > 0 && adoptPort < 65536 ? adoptPort : 29814
    this.#tell('preAdopt', { from: from.address, port: from.port, adoptPort: port, ...named })
    const host = this.#options.followNamedAddress ? (named.named ?? from.address) : from.address
    this.#pauseAnnouncing()
    this.#moved = false
    this.#target = { host, port }
    if (this.#managing === undefined) {
      this.#managing = this.#manage(message.header.dest ?? '').finally(() => {
        this.#managing = undefined
      })
    } else this.#wake.abort()
  }

  /** From PRE_ADOPT until the device is stopped or its adoption has failed for good. */
  async #manage(destination: string): Promise<void> {
    const first = this.#target
    if (first !== undefined) await this.#learnControllerId(first.host, destination)
    let adopted = false
    for (let tries = 0; !this.#stopped.signal.aborted; tries++) {
      if (await this.#connectOnce(adopted)) {
        adopted = true
        tries = -1
      }
      if (this.#stopped.signal.aborted) return
      if (!adopted && tries + 1 >= maxFirstTries) {
        this.#controllerId = this.#options.controllerId
        return this.#announceFrom(0)
      }
      if (adopted && this.#announceTimer === undefined) {
        const { announceMilliseconds, silentMilliseconds = hourMilliseconds } = this.#options
        this.#announceFrom(this.#moved ? silentMilliseconds : announceMilliseconds)
      }
      const { retryMilliseconds, maxRetryMilliseconds = longestRetryMilliseconds } = this.#options
      const wait = Math.min(maxRetryMilliseconds, retryMilliseconds * 2 ** Math.max(0, tries))
      if (tries >= 0) this.#tell('connectFailed', { reason: this.#failure, retrySeconds: wait / 1000 })
      this.#wake = new AbortController()
      const signal = AbortSignal.any([this.#stopped.signal, this.#wake.signal])
      await delay(wait, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One connection, from TLS to its end. Resolves with true when it had been fully connected. */
  async #connectOnce(rebuild: boolean): Promise<boolean> {
    const target = this.#target
    if (target === undefined) return false
    const { host: address, port } = target
    this.#tell('connecting', { address, port })
    const channel = new ManagementChannel({
      identity: this.#identity,
      ...target,
      omadacId: this.#controllerId,
      password: this.#options.password,
      rebuild,
      upSeconds: () => this.#upSeconds(),
      onHost: (host) => this.#hear(host, address),
    })
    this.#channel = channel
    if (this.#stopped.signal.aborted) channel.close('the device is switched off')
    try {
      await channel.handshake()
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
      return false
    }
    this.#pauseAnnouncing()
    this.#moved = false
    this.#tell('connected', { address, port, omadacId: this.#controllerId })
    const timer = setInterval(() => void this.#inform(channel), this.#options.informMilliseconds)
    void this.#inform(channel)
    const reason = await channel.closed
    clearInterval(timer)
    this.#tell('disconnected', { reason })
    return true
  }

  /** The controller names its address: some time later the device goes there, reachable or not. */
  #hear(host: string, connectedTo: string): void {
    this.#tell('told', { address: host })
    clearTimeout(this.#moveTimer)
    if (host === connectedTo) return
    this.#moveTimer = setTimeout(() => {
      this.#target = { host, port: this.#target?.port ?? 29814 }
      this.#moved = true
      this.#channel?.close(`told to go to ${host}`)
    }, this.#options.moveMilliseconds ?? hourMilliseconds)
  }

  async #inform(channel: ManagementChannel): Promise<void> {
    try {
      await channel.inform()
      this.#tell('informed', { count: ++this.#informs })
    } catch {
      // Unanswered: the channel counts these and gives up, which ends in `disconnected`.
    }
  }

  /** The device asks the web for the controller's id; PRE_ADOPT's own word stands in when that does not answer. */
  async #learnControllerId(host: string, destination: string): Promise<void> {
    try {
      this.#controllerId = await fetchOmadacId(host, this.#options.webPort, this.#stopped.signal)
      this.#tell('info', { omadacId: this.#controllerId })
    } catch (error) {
      this.#controllerId = destination
      this.#tell('infoFailed', { reason: error instanceof Error ? error.message : String(error) })
    }
  }

  #upSeconds(): number {
    return Math.floor((performance.now() - this.#startedAt) / 1000)
  }

  #tell(event: EventName, details: Readonly<Record<string, unknown>>): void {
    this.#options.onEvent({ event, at: new Date().toISOString(), mac: this.#identity.mac, ...details })
  }
}
