import { randomUUID } from 'node:crypto'
import { factoryControllerId } from '../protocol/messages.ts'
import { type DataVolume, isFull } from './data.ts'

export type DeviceState = 'pending' | 'managed-by-others' | 'adopting' | 'connected' | 'disconnected' | 'adopt-failed'

/** A device as the operator's API shows it. Times are ISO. */
export interface DeviceRecord {
  readonly mac: string
  class: string
  model: string
  name: string
  firmware: string
  state: DeviceState
  reason?: string
  controllerId: string
  announcedAddress: string
  source: { address: string; port: number }
  /** Announces that were accepted, duplicates included. */
  announces: number
  firstSeen: string
  lastSeen: string
  connectedFrom?: string
  connections: number
  informs: number
  lastInform?: string
  /** The device management host that it was told last. */
  toldHost?: string
}

/** What is kept besides, for the adoption's own course. Times are monotonic milliseconds. */
interface Entry {
  readonly record: DeviceRecord
  seenAt: number
  /** Set while adopting: announces since PRE_ADOPT was sent, undefined while it waits for the next announce. */
  announcesSincePreAdopt?: number | undefined
  adoptingSince?: number
}

const maxDevices = 4096
/** Ours: an operator sees a failed adoption rather than an endless one. */
const adoptTimeoutMilliseconds = 60_000

export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The devices that the controller knows: pending ones for a while, adopted ones for good. */
export class DeviceRegistry {
  readonly #entries = new Map<string, Entry>()
  /** The connection that each device is connected by. */
  readonly #tokens = new Map<string, string>()
  readonly #omadacId: string
  readonly #pendingMilliseconds: number
  readonly #adoptAnnounces: number
  readonly #data: DataVolume
  readonly #now: () => number

  /** @param o.adoptAnnounces an adoption is given up after so many more announces */
  constructor(o: {
    omadacId: string
    pendingMilliseconds: number
    adoptAnnounces: number
    data: DataVolume
    now: () => number
  }) {
    this.#omadacId = o.omadacId
    this.#pendingMilliseconds = o.pendingMilliseconds
    this.#adoptAnnounces = o.adoptAnnounces
    this.#data = o.data
    this.#now = o.now
  }

  /** Reads the adopted devices back from the data. */
  load(): void {
    for (const record of this.#data.readJson<DeviceRecord[]>('db/devices.json') ?? []) {
      this.#entries.set(record.mac, { record: { ...record, state: 'disconnected' }, seenAt: this.#now() })
    }
  }

  list(): DeviceRecord[] {
    this.#expire()
    return [...this.#entries.values()].map((entry) => entry.record)
  }

  /** Adopted before: it may connect again without the operator. */
  isKnown(mac: string): boolean {
    const state = this.#entries.get(mac)?.record.state
    return state === 'connected' || state === 'disconnected' || state === 'adopting'
  }

  /**
   * An announce was accepted. Returns true when it is to be answered with PRE_ADOPT: the operator has pressed Adopt and
   * this is the first announce since, or it is one of ours that has lost its connection.
   */
  announced(
    seen: Pick<
      DeviceRecord,
      'mac' | 'class' | 'model' | 'name' | 'firmware' | 'controllerId' | 'announcedAddress' | 'source'
    >,
  ): boolean {
    this.#expire()
    const now = new Date().toISOString()
    const known = this.#entries.get(seen.mac)
    if (known === undefined) {
      if (this.#entries.size >= maxDevices) return false
      const counts = { announces: 1, connections: 0, informs: 0 }
      const record = { ...seen, ...counts, state: this.#unadopted(seen.controllerId), firstSeen: now, lastSeen: now }
      this.#entries.set(seen.mac, { record, seenAt: this.#now() })
      return false
    }
    known.seenAt = this.#now()
    Object.assign(known.record, seen, { lastSeen: now })
    known.record.announces++
    if (known.record.state === 'adopting') return this.#announcedWhileAdopting(known)
    if (known.record.state === 'disconnected' && seen.controllerId === this.#omadacId) return true
    if (known.record.state !== 'connected' && known.record.state !== 'adopt-failed') {
      known.record.state = this.#unadopted(seen.controllerId)
    }
    return false
  }

  /** The operator presses Adopt. @throws OperatorError 404 unknown, 409 not to be adopted now */
  adopt(mac: string): DeviceRecord {
    this.#expire()
    const entry = this.#entries.get(mac)
    if (entry === undefined) throw new OperatorError(404, `no device ${mac} is pending`)
    if (entry.record.state !== 'pending' && entry.record.state !== 'adopt-failed') {
      throw new OperatorError(409, `device ${mac} is ${entry.record.state}, not pending`)
    }
    entry.record.state = 'adopting'
    delete entry.record.reason
    entry.announcesSincePreAdopt = undefined
    entry.adoptingSince = this.#now()
    return entry.record
  }

  /** The handshake is complete. Returns a token that `disconnected` wants, so that an old connection ends only itself. */
  connected(mac: string, from: string): string {
    const entry = this.#entries.get(mac)
    const token = `${from} ${randomUUID()}`
    if (entry === undefined) return token
    Object.assign(entry.record, { state: 'connected', connectedFrom: from, controllerId: this.#omadacId })
    entry.record.connections++
    this.#tokens.set(mac, token)
    this.#save()
    return token
  }

  disconnected(mac: string, token: string): void {
    const entry = this.#entries.get(mac)
    if (entry === undefined || this.#tokens.get(mac) !== token) return
    this.#tokens.delete(mac)
    entry.record.state = 'disconnected'
    delete entry.record.connectedFrom
  }

  informed(mac: string): void {
    const record = this.#entries.get(mac)?.record
    if (record === undefined) return
    record.informs++
    record.lastInform = new Date().toISOString()
  }

  told(mac: string, deviceHost: string): void {
    const record = this.#entries.get(mac)?.record
    if (record !== undefined) record.toldHost = deviceHost
  }

  adoptFailed(mac: string, reason: string): void {
    const entry = this.#entries.get(mac)
    if (entry?.record.state === 'adopting') this.#fail(entry, reason)
  }

  #announcedWhileAdopting(entry: Entry): boolean {
    if (entry.announcesSincePreAdopt === undefined) {
      entry.announcesSincePreAdopt = 0
      return true
    }
    if (++entry.announcesSincePreAdopt >= this.#adoptAnnounces) {
      this.#fail(entry, `${this.#adoptAnnounces} more announces arrived during the adoption`)
    }
    return false
  }

  #fail(entry: Entry, reason: string): void {
    entry.record.state = 'adopt-failed'
    entry.record.reason = reason
  }

  #unadopted(controllerId: string): DeviceState {
    return controllerId === factoryControllerId || controllerId === this.#omadacId ? 'pending' : 'managed-by-others'
  }

  #expire(): void {
    const now = this.#now()
    for (const [mac, entry] of this.#entries) {
      const { state } = entry.record
      if (state === 'adopting' && now - (entry.adoptingSince ?? now) > adoptTimeoutMilliseconds) {
        this.#fail(entry, 'the device has not connected')
      }
      const kept = state === 'connected' || state === 'disconnected' || state === 'adopting'
      if (!kept && now - entry.seenAt > this.#pendingMilliseconds) this.#entries.delete(mac)
    }
  }

  #save(): void {
    const adopted = [...this.#entries.values()].filter(({ record }) => record.connections > 0)
    try {
      this.#data.write('db/devices.json', JSON.stringify(adopted.map((entry) => entry.record)))
    } catch (error) {
      // What is on the disk is as old as its last room.
      if (!isFull(error)) throw error
    }
  }
}
