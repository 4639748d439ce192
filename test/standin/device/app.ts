import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import type { EventSink } from './events.ts'
import { openUdp, sendTo } from './udp.ts'

export interface AppOptions {
  readonly address: string
  readonly askAt: readonly string[]
  readonly port: number
  readonly periodMilliseconds: number
  readonly onEvent: EventSink
}

/** The phone app looking for controllers: asks on 27001, hears unicast answers. Its real payload is not known publicly. */
export class SimulatedApp {
  readonly #options: AppOptions
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: AppOptions) {
    this.#options = options
  }

  /** @throws the system's error when its address cannot be bound */
  async start(): Promise<void> {
    const { onEvent, address, periodMilliseconds } = this.#options
    this.#socket = await openUdp(address, (datagram, from) => {
      const text = datagram.toString('latin1').replace(/[^ -~]/g, '.')
      const at = new Date().toISOString()
      onEvent({ event: 'answered', at, from: from.address, port: from.port, bytes: datagram.length, text })
    })
    this.#timer = setInterval(() => void this.#ask(), periodMilliseconds)
    await this.#ask()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#socket?.close()
    this.#socket = undefined
  }

  async #ask(): Promise<void> {
    const { askAt, port, onEvent } = this.#options
    for (const address of askAt) {
      if (this.#socket === undefined) return
      const question = Buffer.concat([Buffer.from('omada-stand-in-app '), Buffer.from(randomBytes(8).toString('hex'))])
      const reason = await sendTo(this.#socket, question, address, port)
      const at = new Date().toISOString()
      onEvent({ event: 'asked', at, to: `${address}:${port}`, ...(reason === undefined ? {} : { reason }) })
    }
  }
}
