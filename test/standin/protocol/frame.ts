import { type Message, toMessage } from './messages.ts'

/** On UDP the JSON is at most this long; on TLS a negotiation carries more. Source: o-device-emulator; the latter is ours. */
export const maxDatagramJson = 2000
const maxStreamJson = 1024 * 1024

/** A message as one frame: 4 bytes of big-endian length, then UTF-8 JSON. */
export function encodeFrame(message: Message): Buffer {
  const json = Buffer.from(JSON.stringify(message), 'utf8')
  const frame = Buffer.alloc(4 + json.length)
  frame.writeUInt32BE(json.length, 0)
  json.copy(frame, 4)
  return frame
}

/** The message of a datagram that is exactly one frame; undefined for anything else. */
export function decodeDatagram(datagram: Buffer): Message | undefined {
  if (datagram.length < 6 || datagram.length > 4 + maxDatagramJson) return undefined
  if (datagram.readUInt32BE(0) !== datagram.length - 4) return undefined
  return parse(datagram.subarray(4))
}

function parse(json: Buffer): Message | undefined {
  try {
    return toMessage(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)))
  } catch {
    return undefined
  }
}

/** Cuts a byte stream into messages. Bounded: a longer or malformed frame ends the connection by throwing. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0)

  /** @throws Error when the peer does not speak the protocol */
  push(chunk: Buffer): Message[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const messages: Message[] = []
    while (this.#pending.length >= 4) {
      const length = this.#pending.readUInt32BE(0)
      if (length > maxStreamJson) throw new Error(`a frame of ${length} bytes is too long`)
      if (this.#pending.length < 4 + length) break
      const message = parse(this.#pending.subarray(4, 4 + length))
      if (message === undefined) throw new Error('a frame that holds no message')
      messages.push(message)
      this.#pending = this.#pending.subarray(4 + length)
    }
    return messages
  }
}
