import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Packet } from '../../../src/diagnosis/packet-filter/rules.ts'
import type { BroadcastNetwork } from '../../../src/network/broadcast-networks.ts'

/** The network of the captures. */
export const lan: BroadcastNetwork = {
  interface: 'lan0',
  address: '192.168.1.2',
  prefix: 24,
  broadcast: '192.168.1.255',
}

/** A device's announce to this machine's own address, unless told otherwise. */
export function packet(overrides: Partial<Packet> = {}): Packet {
  return { ...lan, protocol: 'udp', port: 29_810, destination: 'local', ...overrides }
}

/** What a program printed on a real machine; test/netcheck/captures/README.md tells on which. */
export function capture(name: string): string {
  return readFileSync(fileURLToPath(new URL(`captures/${name}`, import.meta.url)), 'utf8')
}
