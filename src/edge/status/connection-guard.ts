import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { sourceOf } from '../../core/cidr.ts'
import type { AccessPolicy } from '../../network/access.ts'

/** Connections at once, over all clients. */
const maxConnections = 512

/** Bytes of answers that clients have not taken yet, over all clients and of one: what the kernel could not take is in memory. */
const maxUnsent = 64_000_000
const maxUnsentPerSource = 16_000_000

/** Resets connections of clients that may not see the page or hold too many of them, and counts those. */
export class ConnectionGuard {
  readonly #options: { readonly access: AccessPolicy; readonly maxPerSource: number }
  /** Holds a source only while it has a connection. */
  readonly #open = new Map<string, Set<Socket>>()
  #refused = 0

  constructor(options: { access: AccessPolicy; maxPerSource: number }) {
    this.#options = options
  }

  get refused(): number {
    return this.#refused
  }

  /** Whether another answer may be made for the client of this socket. */
  hasRoom({ remoteAddress }: Socket): boolean {
    const own = remoteAddress === undefined ? undefined : this.#open.get(sourceOf(remoteAddress))
    if (own !== undefined && unsent([own]) > maxUnsentPerSource) return false
    return unsent(this.#open.values()) <= maxUnsent
  }

  watch(server: Server): void {
    server.maxConnections = maxConnections
    server.on('drop', () => {
      this.#refused++
    })
    // Before the HTTP parser gets to see it.
    server.prependListener('connection', (socket: Socket) => this.#admit(socket))
  }

  #admit(socket: Socket): void {
    const { remoteAddress, localAddress } = socket
    // A connection that is gone already has no address.
    if (remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const source = sourceOf(remoteAddress)
    const open = this.#open.get(source) ?? new Set()
    if (open.size >= this.#options.maxPerSource || !this.#options.access.admits({ localAddress, remoteAddress })) {
      this.#refused++
      socket.resetAndDestroy()
      return
    }
    this.#open.set(source, open.add(socket))
    socket.once('close', () => {
      open.delete(socket)
      if (open.size === 0) this.#open.delete(source)
    })
  }
}

function unsent(sources: Iterable<ReadonlySet<Socket>>): number {
  let bytes = 0
  for (const sockets of sources) for (const socket of sockets) bytes += socket.writableLength
  return bytes
}
