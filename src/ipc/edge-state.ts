import type { Fault, Reason } from '../core/errors.ts'
import type { HistoryEntry, Warning } from '../core/warning-kinds.ts'
import type { stateVersion } from './host-state.ts'

/** `factory`: ready to adopt; `ours`: managed by this controller; `other`: by another one; `unknown`: it did not say. */
export type Ownership = 'factory' | 'ours' | 'other' | 'unknown'

/**
 * How far a device's adoption came as this box sees it. `stalled`: adopt was sent, but the device has not connected.
 * `silent`: it has stopped announcing itself and is not connected.
 */
export type Adoption = 'announcing' | 'adopt-sent' | 'connected' | 'stalled' | 'silent'

/** A device that announced itself. Times are ISO 8601. Texts come from the LAN: untrusted, bounded, free of control characters. */
export interface Device {
  readonly mac: string
  readonly class: string
  readonly model: string
  readonly name: string
  readonly firmware: string
  /** Where its datagrams came from. */
  readonly address: string
  /** Where it says that it is. */
  readonly announcedAddress: string
  readonly ownership: Ownership
  readonly adoption: Adoption
  /** Likely cause when `stalled`, or what else is wrong with it, such as a clock too far off. */
  readonly hint?: Reason
  /** Its clock minus ours, in seconds; absent when it sends no timestamp. */
  readonly clockSkewSeconds?: number
  readonly firstSeen: string
  readonly lastSeen: string
  readonly announces: number
}

/** Another omada-host that was heard on the networks of the devices within the last minutes. `lastSeen` is ISO 8601. */
export interface PeerAppliance {
  readonly address: string
  /** A UUID, new with every start of its edge. */
  readonly instance: string
  readonly lastSeen: string
}

/** Broadcasts of other machines that came in by one interface since the edge started. `lastAt` is ISO 8601. */
export interface BroadcastsSeen {
  readonly interface: string
  readonly count: number
  readonly lastAt: string
}

export interface DiscoveryState {
  readonly sessions: number
  readonly devices: number
  /** Datagrams by outcome: every one received is in exactly one. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly listeners: readonly ListenerState[]
  /** Absent where they are not told. */
  readonly broadcasts?: readonly BroadcastsSeen[]
  readonly peers?: readonly PeerAppliance[]
}

export interface ListenerState {
  readonly protocol: 'tcp' | 'udp'
  /** `*` is the wildcard. */
  readonly address: string
  readonly port: number
  readonly state: 'listening' | 'failed' | 'closed'
  readonly reason?: Fault
  /** Connections that were reset because of who or how many they were; absent where nothing is counted. */
  readonly refused?: number
}

export interface ProxyPortState {
  readonly port: number
  readonly state: 'listening' | 'failed' | 'closed' | 'draining'
  readonly reason?: Fault
  readonly open: number
  readonly total: number
  /** From clients to the controller. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly refused: Readonly<Record<string, number>>
  /** Connections answered by the waiting room instead of the controller. */
  readonly waitingRoom: number
  /** The interfaces by which connections of other machines have arrived since the edge started; absent where not told. */
  readonly arrivedBy?: readonly string[]
}

/** The edge's half of the appliance's state. */
export interface EdgeState {
  readonly stateVersion: typeof stateVersion
  readonly startedAt: string
  readonly discovery: DiscoveryState
  readonly proxy: { readonly ports: readonly ProxyPortState[] }
  readonly status: ListenerState
  readonly devices: readonly Device[]
  readonly warnings: readonly Warning[]
  /** Of its warnings, newest last, bounded; absent where nothing is remembered. */
  readonly history?: readonly HistoryEntry[]
}
