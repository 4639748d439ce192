import type { Socket as UdpSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { bindUdp, sendUdp, TcpListener } from './listeners.ts'

/** A TCP port that the stand-in keeps open and says nothing on: 29811 to 29813 and 29815 to 29817. */
export function quietPort(): TcpListener {
  return new TcpListener(
    createServer((socket) => {
      socket.setTimeout(3_600_000, () => socket.destroy())
      socket.resume()
    }),
  )
}

/** What came in and what was answered. */
export interface DatagramCounts {
  received: number
  answered: number
}

/**
 * A UDP port with an opaque protocol: 27001, where the phone app asks, answered by unicast with the question behind a
 * marker of ours (the real payload is not known publicly), or 19810, where an OLT announces itself, not answered.
 */
export class OpaqueUdpPort {
  readonly counts: DatagramCounts = { received: 0, answered: 0 }
  readonly #reply: ((question: Buffer) => Buffer) | undefined
  readonly #isSilent: () => boolean
  #socket: UdpSocket | undefined

  constructor(o: { reply?: (question: Buffer) => Buffer; isSilent: () => boolean }) {
    this.#reply = o.reply
    this.#isSilent = o.isSilent
  }

  async start(port: number, bind: string | undefined): Promise<number> {
    const bound = await bindUdp({
      port,
      bind,
      receive: (datagram, from, socket) => this.#receive(datagram, from, socket),
    })
    this.#socket = bound.socket
    return bound.port
  }

  stop(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  #receive(datagram: Buffer, from: { address: string; port: number }, socket: UdpSocket): void {
    this.counts.received++
    if (this.#reply === undefined || this.#isSilent()) return
    this.counts.answered++
    sendUdp(socket, this.#reply(datagram), from)
  }
}

/** The answer to the app: a marker, the controller's id and version, then the question (at most 512 bytes of it). */
export function appAnswer(o: { omadacId: string; version: string }): (question: Buffer) => Buffer {
  const head = Buffer.from(`omada-stand-in ${o.omadacId} ${o.version}\n`)
  return (question) => Buffer.concat([head, question.subarray(0, 512)])
}
