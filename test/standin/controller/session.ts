import { randomUUID } from 'node:crypto'
import { authToken, factoryAccount } from '../protocol/auth.ts'
import { type Fields, fieldsOf, type Message, messageType } from '../protocol/messages.ts'
import type { DeviceRegistry } from './registry.ts'

export type Stage = 'pre-connect' | 'verify' | 'verified' | 'negotiate' | 'sync' | 'connected'

/**
 * One device's connection to 29814: where it is in the handshake, and what to answer.
 * Source: o-device-emulator doc/spec/05-discovery-and-adoption.md, sections 5.4 to 5.6 (reverse-engineered).
 */
export class Session {
  readonly #registry: DeviceRegistry
  readonly #omadacId: string
  readonly #from: string
  readonly #deviceHost: () => string
  readonly #tellMilliseconds: number
  readonly #key = randomUUID()
  #mac: string | undefined
  #token: string | undefined
  #connectedAt = 0
  #told: string | undefined
  stage: Stage = 'pre-connect'

  constructor(o: {
    registry: DeviceRegistry
    omadacId: string
    from: string
    /** The device management host in force. */
    deviceHost: () => string
    tellMilliseconds: number
  }) {
    this.#registry = o.registry
    this.#omadacId = o.omadacId
    this.#from = o.from
    this.#deviceHost = o.deviceHost
    this.#tellMilliseconds = o.tellMilliseconds
  }

  close(): void {
    if (this.#mac !== undefined && this.#token !== undefined) this.#registry.disconnected(this.#mac, this.#token)
  }

  /** The answer to a message, or undefined where there is none. @throws Error when the connection must end */
  take(message: Message): Message | undefined {
    const { type, mac } = message.header
    if (this.#mac !== undefined && mac !== this.#mac) throw new Error(`the device changed from ${this.#mac} to ${mac}`)
    if (type === messageType.preConnectInfo) {
      if (!this.#registry.isKnown(mac)) throw new Error(`device ${mac} is not being adopted`)
      this.#mac = mac
      this.stage = 'verify'
      const body = { randomKeyForDeviceVerify: this.#key, username: factoryAccount.username }
      return this.#reply(message, messageType.preConnectInfoResponse, body)
    }
    if (type === messageType.deviceVerifyInfo && this.stage === 'verify') return this.#verify(message)
    if (type === messageType.systemVerifyResult && this.stage === 'verified') {
      this.stage = 'negotiate'
      return this.#reply(message, messageType.verifyResultAck, {})
    }
    if (type === messageType.deviceNegotiation && this.stage === 'negotiate') return this.#negotiate(message)
    if (type === messageType.initSyncResult && this.stage === 'sync') {
      this.stage = 'connected'
      this.#connectedAt = performance.now()
      this.#token = this.#registry.connected(mac, this.#from)
      return this.#reply(message, messageType.initSyncResultAck, {})
    }
    if (type === messageType.informRequest && this.stage === 'connected') {
      this.#registry.informed(mac)
      return this.#reply(message, messageType.informResponse, {})
    }
    throw new Error(`message type ${type} is not expected at ${this.stage}`)
  }

  /**
   * What follows the answer to an inform: the device management host, some time after the handshake and again when it
   * has changed; else undefined.
   */
  tellHost(message: Message): Message | undefined {
    if (message.header.type !== messageType.informRequest || this.stage !== 'connected') return undefined
    if (performance.now() - this.#connectedAt < this.#tellMilliseconds) return undefined
    const deviceHost = this.#deviceHost()
    if (deviceHost === this.#told) return undefined
    this.#told = deviceHost
    this.#registry.told(message.header.mac, deviceHost)
    const { mac, device } = message.header
    const header = { type: messageType.deviceManagementHost, mac, device, timestamp: Date.now(), error: 0 }
    return { header, body: { deviceHost } }
  }

  #verify(message: Message): Message {
    const { username, password } = factoryAccount
    const key = message.body.randomKeyForSystemVerify
    // Newer controllers refuse a shorter key before they look at the proof.
    if (typeof key !== 'string' || key.length !== 36)
      throw new Error('randomKeyForSystemVerify is not of 36 characters')
    if (message.body.auth !== authToken(username, password, this.#key)) {
      this.#registry.adoptFailed(message.header.mac, 'the device account does not match')
      return this.#reply(message, messageType.deviceVerifyResponse, { error: -1 })
    }
    this.stage = 'verified'
    const auth = authToken(username, password, key)
    return this.#reply(message, messageType.deviceVerifyResponse, { auth, error: 0 })
  }

  #negotiate(message: Message): Message {
    if (fieldsOf(message.body.controllerSetting).controllerId !== this.#omadacId) {
      throw new Error('the device names another controller')
    }
    if (Object.keys(fieldsOf(message.body.components_v2)).length === 0) throw new Error('the device is not compatible')
    this.stage = 'sync'
    return this.#reply(message, messageType.systemNegotiation, {})
  }

  #reply(message: Message, type: number, body: Fields): Message {
    const { mac, device, version, seq } = message.header
    const echoed = { ...(version === undefined ? {} : { version }), ...(seq === undefined ? {} : { seq }) }
    return { header: { type, mac, device, timestamp: Date.now(), error: 0, ...echoed }, body }
  }
}
