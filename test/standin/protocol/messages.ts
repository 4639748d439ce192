/** What travels between device and controller: a header that routes and a body whose shape the type decides. */
export interface Message {
  readonly header: Header
  readonly body: Readonly<Record<string, unknown>>
}

export interface Header {
  readonly type: number
  /** `AA-BB-CC-DD-EE-FF` */
  readonly mac: string
  /** `ap`, `switch`, `gateway`, `olt`; the controller's answers repeat the device's. */
  readonly device: string
  readonly version?: string
  readonly verCap?: number
  /** Milliseconds since 1970. */
  readonly timestamp?: number
  readonly seq?: number
  readonly error?: number
  readonly dest?: string
  readonly ip?: string
}

/** `header.type`. Source: nanosonde/o-device-emulator doc/spec/04-wire-protocol.md, section 4.5 (reverse-engineered). */
export const messageType = {
  discovery: 1,
  preAdoptRequest: 2,
  preConnectInfo: 3,
  informRequest: 256,
  informResponse: 512,
  preConnectInfoResponse: 0x100000,
  deviceVerifyInfo: 0x100001,
  deviceVerifyResponse: 0x100002,
  systemVerifyResult: 0x100003,
  deviceNegotiation: 0x100004,
  systemNegotiation: 0x100005,
  initSyncResult: 0x100006,
  verifyResultAck: 0x100009,
  initSyncResultAck: 0x10000a,
  /** Tells an adopted device the device management host. Ours: the real controller's message is not known to us. */
  deviceManagementHost: 0x1f0001,
} as const

/** The controller id that a device announces while it is ready to be adopted. */
export const factoryControllerId = 'c21f969b5f03d33d43e04f8f136e7682'

/** How a value read from the wire looks once it is known to be an object with string keys. */
export type Fields = Readonly<Record<string, unknown>>

/** The value as an object, or an empty one. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

/** The value as a string of at most `max` characters without control characters; an empty one if it is no string. */
export function textOf(value: unknown, max = 128): string {
  return typeof value === 'string'
    ? [...value.slice(0, max)].filter((character) => character >= ' ' && character !== '\u007f').join('')
    : ''
}

/** A parsed JSON value as a message, or undefined when it has no well-formed header. */
export function toMessage(value: unknown): Message | undefined {
  const header = fieldsOf(fieldsOf(value).header)
  const { type, mac, device } = header
  if (typeof type !== 'number' || typeof mac !== 'string' || !/^([0-9A-F]{2}-){5}[0-9A-F]{2}$/.test(mac))
    return undefined
  const numbers = ['verCap', 'timestamp', 'seq', 'error'] as const
  const texts = ['version', 'dest', 'ip'] as const
  return {
    header: {
      type,
      mac,
      device: textOf(device, 16),
      ...Object.fromEntries(numbers.filter((key) => typeof header[key] === 'number').map((key) => [key, header[key]])),
      ...Object.fromEntries(
        texts.filter((key) => typeof header[key] === 'string').map((key) => [key, textOf(header[key])]),
      ),
    },
    body: fieldsOf(fieldsOf(value).body),
  }
}
