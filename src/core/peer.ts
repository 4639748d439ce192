import { parseIpv4 } from './cidr.ts'

/** Whom something may talk to: an IPv4 address, and one port of it or all. */
export interface Peer {
  readonly address: string
  readonly port?: number
}

/** Parses `192.0.2.1` and `192.0.2.1:25`; undefined when it is neither. */
export function parsePeer(text: string): Peer | undefined {
  const [, address = '', port] = /^([0-9.]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (parseIpv4(address) === undefined) return undefined
  if (port === undefined) return { address }
  const number = Number(port)
  return number >= 1 && number <= 65_535 ? { address, port: number } : undefined
}
