import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { type Fault, messageOf, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ListenerState } from '../../ipc/edge-state.ts'
import { bindAlone, ListeningSocket } from './listening-socket.ts'
import { type Datagram, wildcard } from './ports.ts'

/** One address: its socket, or why it has none. */
type Entry = { readonly socket: ListeningSocket } | { readonly fault: Fault }

/**
 * The listening sockets of one discovery port: one on each served address, so that an answer can leave from the address
 * that the device addressed, and one on the wildcard, the only one that receives broadcasts. Follows the addresses; what
 * cannot be opened is tried again and again, and keeps nothing else from serving.
 *
 * Passes run one at a time, each brings the sockets in line with the addresses that are wanted when it begins.
 */
export class PortListeners {
  readonly port: number
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #onDatagram: (datagram: Datagram) => void
  readonly #backoff = new Backoff({ initialMilliseconds: 500, maxMilliseconds: 30_000 })
  readonly #closing = new AbortController()
  readonly #entries = new Map<string, Entry>()
  #wanted: readonly string[] = []
  /** The failures that have been logged and still last: what stays in use is not told at every try. */
  #told: ReadonlySet<string> = new Set()
  #passes: Promise<void> = Promise.resolve()
  #retry: Promise<void> | undefined

  constructor(options: {
    port: number
    logger: Logger
    clock: Clock
    onDatagram: (datagram: Datagram) => void
  }) {
    this.port = options.port
    this.#logger = options.logger
    this.#clock = options.clock
    this.#onDatagram = options.onDatagram
  }

  /** Serves on these IPv4 addresses and the wildcard. Resolves when that is so, or is known to have failed; never rejects. */
  follow(addresses: readonly string[]): Promise<void> {
    // The wildcard comes last: until then it would take what is meant for the others.
    this.#wanted = [...new Set(addresses), wildcard]
    return this.#pass()
  }

  /** The socket on this address, if it is open. */
  socketOn(address: string): ListeningSocket | undefined {
    const entry = this.#entries.get(address)
    return entry !== undefined && 'socket' in entry ? entry.socket : undefined
  }

  state(): readonly ListenerState[] {
    const closed = this.#closing.signal.aborted || this.#entries.size === 0
    if (closed) return [{ protocol: 'udp', address: '*', port: this.port, state: 'closed' }]
    return [...this.#entries].map(([address, entry]) => ({
      protocol: 'udp',
      address: address === wildcard ? '*' : address,
      port: this.port,
      ...('socket' in entry ? { state: 'listening' } : { state: 'failed', reason: entry.fault }),
    }))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#pass()
    await this.#retry
  }

  #pass(): Promise<void> {
    this.#passes = this.#passes.then(() => this.#reconcile())
    return this.#passes
  }

  async #reconcile(): Promise<void> {
    const wanted = this.#closing.signal.aborted ? [] : this.#wanted
    for (const [address, entry] of this.#entries) {
      if (wanted.includes(address)) continue
      this.#entries.delete(address)
      if ('socket' in entry) await entry.socket.close()
    }
    const missing = wanted.filter((address) => this.socketOn(address) === undefined)
    const fault = missing.length > 0 && missing.length === wanted.length ? await this.#probe() : undefined
    for (const address of missing) {
      this.#entries.set(address, fault === undefined ? await this.#open(address) : { fault })
    }
    if (wanted.length > 0) this.#tell()
    if (missing.some((address) => this.socketOn(address) === undefined)) this.#retryLater()
    else this.#backoff.reset()
  }

  async #probe(): Promise<Fault | undefined> {
    try {
      await bindAlone(this.port)
      return undefined
    } catch (error) {
      return bindFault(error, this.port)
    }
  }

  async #open(address: string): Promise<Entry> {
    try {
      const socket = await ListeningSocket.open({
        address,
        port: this.port,
        onDatagram: (payload, sender) =>
          this.#onDatagram({
            payload,
            address: sender.address,
            port: sender.port,
            discoveryPort: this.port,
            localAddress: address === wildcard ? undefined : address,
          }),
        onError: (error) => this.#logger.debug({ err: error, address, port: this.port }, 'error on a discovery socket'),
      })
      return { socket }
    } catch (error) {
      return { fault: bindFault(error, this.port, address) }
    }
  }

  #tell(): void {
    const faults = new Map(
      [...this.#entries.values()].flatMap((entry) => ('fault' in entry ? [[entry.fault.message, entry.fault]] : [])),
    )
    for (const [message, fault] of faults) {
      if (!this.#told.has(message)) this.#logger.warn({ code: fault.code }, `${message}: ${fault.remedy}`)
    }
    if (this.#told.size > 0 && faults.size === 0) this.#logger.info(`UDP port ${this.port} is served again`)
    this.#told = new Set(faults.keys())
  }

  #retryLater(): void {
    const { signal } = this.#closing
    if (signal.aborted) return
    this.#retry ??= this.#clock
      .sleep(this.#backoff.next(), signal)
      .catch(() => {})
      .then(() => {
        this.#retry = undefined
        return this.#pass()
      })
  }
}

/** Why a discovery port could not be opened, with what the user can do. */
export function bindFault(error: unknown, port: number, address?: string): Fault {
  const where = `UDP port ${port}${address === undefined || address === wildcard ? '' : ` on ${address}`}`
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return {
        code: 'PORT_IN_USE',
        message: `${where} cannot be opened: another process holds it`,
        remedy: `find it with: ss -lunp 'sport = :${port}', and stop it; discovery then starts by itself`,
      }
    case 'EACCES':
      return {
        code: 'PORT_PRIVILEGED',
        message: `${where} cannot be opened: the edge lacks the privilege for ports below 1024`,
        remedy: 'use ports of 1024 and above in discovery.ports',
      }
    default:
      return {
        code: 'PORT_FAILED',
        message: `${where} cannot be opened: ${messageOf(error)}`,
        remedy: 'it is tried again by itself; if it stays, check the address with: ip address',
      }
  }
}
