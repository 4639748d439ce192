/**
 * The frame of UDP 29810: a 4-byte big-endian length and as many bytes of UTF-8 JSON `{"header":{…},"body":{…}}`.
 * Reverse-engineered by third parties (nanosonde/o-device-emulator, doc/spec); older firmware sends other bytes.
 */

/** Untrusted JSON: read it with `ownValue` only, so that a key such as `__proto__` is a key like any other. */
export type JsonObject = Readonly<Record<string, unknown>>

export interface Frame {
  readonly header: JsonObject
  /** An object in every known message; not checked, since a compressed frame may carry something else. */
  readonly body: unknown
}

/** Why a datagram is not a frame. */
export type FrameFault = 'too-short' | 'wrong-length' | 'not-utf8' | 'too-deep' | 'not-json' | 'no-header'

export type DecodedFrame =
  | { readonly framed: true; readonly frame: Frame; readonly json: string }
  | { readonly framed: false; readonly reason: FrameFault }

/** `header.type` of the messages that travel over UDP 29810. */
export const frameType = { discovery: 1, preAdoptRequest: 2 } as const

const lengthBytes = 4
/** Known messages nest 4 deep. What nests deeper than this was not made by a device or a controller. */
const maxDepth = 32

/** Decodes one datagram. Never throws, whatever the bytes. */
export function decodeFrame(datagram: Uint8Array): DecodedFrame {
  if (datagram.byteLength < lengthBytes) return { framed: false, reason: 'too-short' }
  const length = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength).getUint32(0)
  if (length !== datagram.byteLength - lengthBytes) return { framed: false, reason: 'wrong-length' }
  const json = decodeUtf8(datagram.subarray(lengthBytes))
  if (json === undefined) return { framed: false, reason: 'not-utf8' }
  if (isDeeperThan(json, maxDepth)) return { framed: false, reason: 'too-deep' }
  const value = parseJson(json)
  if (value === undefined) return { framed: false, reason: 'not-json' }
  const header = isObject(value) ? ownValue(value, 'header') : undefined
  if (!isObject(value) || !isObject(header)) return { framed: false, reason: 'no-header' }
  return { framed: true, frame: { header, body: ownValue(value, 'body') }, json }
}

/** Puts the length in front of a JSON text. */
export function encodeFrame(json: string): Buffer {
  const length = Buffer.byteLength(json)
  const datagram = Buffer.allocUnsafe(lengthBytes + length)
  datagram.writeUInt32BE(length)
  datagram.write(json, lengthBytes)
  return datagram
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of an own key of untrusted JSON; undefined when it is absent or only inherited. */
export function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Counts brackets outside strings, so that nobody recurses into what a stranger nested. */
function isDeeperThan(json: string, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < json.length; index++) {
    const character = json[index]
    if (inString) {
      if (character === '\\') index++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') {
      depth++
      if (depth > limit) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}
