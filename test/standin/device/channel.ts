import { randomUUID } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { controllerField, deviceInfo, type Identity, protocolVersion } from '../protocol/announce.ts'
import { authToken } from '../protocol/auth.ts'
import { encodeFrame, FrameReader } from '../protocol/frame.ts'
import { type Fields, type Message, messageType, textOf } from '../protocol/messages.ts'

const answerMilliseconds = 10_000
/** A channel whose informs go unanswered so many times is given up. */
const maxUnansweredInforms = 3

export interface ChannelOptions {
  readonly identity: Identity
  readonly host: string
  readonly port: number
  readonly omadacId: string
  readonly password: string
  /** True after a first adoption, as the wire protocol's `rebuild`. */
  readonly rebuild: boolean
  readonly upSeconds: () => number
  /** The controller says at which address it wants to be reached. */
  readonly onHost: (address: string) => void
}

/** A device's connection to the controller's management port: TLS, handshake, then informs. */
export class ManagementChannel {
  readonly #options: ChannelOptions
  readonly #socket: TLSSocket
  readonly #waiting = new Map<number, (message: Message) => void>()
  #sequence = 100
  #unanswered = 0
  #reason = 'the controller closed the connection'
  /** Resolves with the reason when the connection has ended, whoever ended it. */
  readonly closed: Promise<string>

  constructor(options: ChannelOptions) {
    this.#options = options
    const { host, port, identity } = options
    // The vendor's certificate has CN=localhost and is signed by nobody whom the stand-in knows.
    const tls = { servername: 'localhost', rejectUnauthorized: false }
    const connection: ConnectionOptions & { localAddress: string } = {
      host,
      port,
      localAddress: identity.address,
      ...tls,
    }
    this.#socket = connect(connection)
    const reader = new FrameReader()
    this.#socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) this.#take(message)
      } catch (error) {
        this.#socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    this.#socket.on('error', (error) => {
      this.#reason = error.message
    })
    this.closed = new Promise((resolve) => this.#socket.on('close', () => resolve(this.#reason)))
  }

  /** Runs the handshake. @throws Error that says at which step it failed; the connection is closed then */
  async handshake(): Promise<void> {
    const { identity, omadacId, password, rebuild } = this.#options
    try {
      const hello = await this.#ask(
        messageType.preConnectInfo,
        { needUsername: true, rebuild: rebuild ? 1 : 0 },
        messageType.preConnectInfoResponse,
      )
      const username = textOf(hello.body.username)
      const key = randomUUID()
      const verified = await this.#ask(
        messageType.deviceVerifyInfo,
        {
          auth: authToken(username, password, textOf(hello.body.randomKeyForDeviceVerify)),
          randomKeyForSystemVerify: key,
        },
        messageType.deviceVerifyResponse,
      )
      if (verified.body.error !== 0) throw new Error('the controller refuses the device account')
      if (verified.body.auth !== authToken(username, password, key))
        throw new Error('the controller does not prove itself')
      await this.#ask(messageType.systemVerifyResult, {}, messageType.verifyResultAck)
      const negotiation = {
        key: '',
        configVersion: '0',
        deviceInfo: deviceInfo(identity, this.#options.upSeconds()),
        ...controllerField(identity.class, omadacId),
        controllerSetting: { controllerId: omadacId },
        components: '',
        components_v2: { system: '1.0', ...(identity.class === 'ap' ? { ssid: '2.3', wlanBasic: '2.0' } : {}) },
        channelInfo: [],
        radioCap: [],
        devCap: {},
        deviceMisc: { customizeRegion: 0 },
      }
      await this.#ask(messageType.deviceNegotiation, negotiation, messageType.systemNegotiation)
      await this.#ask(messageType.initSyncResult, {}, messageType.initSyncResultAck)
    } catch (error) {
      this.close(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  /** One heartbeat. Resolves when the controller has answered. @throws Error when it has not */
  async inform(): Promise<void> {
    this.#unanswered++
    const info = deviceInfo(this.#options.identity, this.#options.upSeconds())
    try {
      await this.#ask(messageType.informRequest, { deviceInfo: info, configVersion: '0' }, messageType.informResponse)
      this.#unanswered = 0
    } catch (error) {
      if (this.#unanswered >= maxUnansweredInforms) this.close('the controller does not answer informs')
      throw error
    }
  }

  close(reason: string): void {
    if (!this.#socket.destroyed) this.#reason = reason
    this.#socket.destroy()
  }

  #take(message: Message): void {
    if (message.header.type === messageType.deviceManagementHost) {
      const host = textOf(message.body.deviceHost)
      if (isIPv4(host)) this.#options.onHost(host)
      return
    }
    const sequence = message.header.seq
    if (sequence === undefined) return
    this.#waiting.get(sequence)?.(message)
  }

  /** Sends, and waits for the answer that echoes the sequence number. */
  async #ask(type: number, body: Fields, expected: number): Promise<Message> {
    const { mac, class: device } = this.#options.identity
    const seq = ++this.#sequence
    const name = `0x${type.toString(16)}`
    const header = { version: protocolVersion(device), mac, type, device, error: 0, timestamp: Date.now(), seq }
    let timer: NodeJS.Timeout | undefined
    try {
      const answered = new Promise<Message>((resolve, reject) => {
        this.#waiting.set(seq, resolve)
        timer = setTimeout(() => reject(new Error(`no answer to ${name}`)), answerMilliseconds)
        void this.closed.then((reason) => reject(new Error(`${reason} (at ${name})`)))
      })
      this.#socket.write(encodeFrame({ header, body }))
      const answer = await answered
      if (answer.header.type !== expected) {
        throw new Error(`0x${answer.header.type.toString(16)} is not the answer to ${name}`)
      }
      return answer
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(seq)
    }
  }
}
