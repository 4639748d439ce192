import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { AccessPolicy } from '../network/access.ts'

/** Connections at once, over all clients. */
const maxConnections = 512

/** Resets connections of clients that may not see the page or hold too many of them, and counts those. */
export class ConnectionGuard {
  readonly #access: AccessPolicy
  readonly #maxPerSource: number
  readonly #open = new Map<string, number>()
  #refused = 0

  constructor(options: { access: AccessPolicy; maxPerSource: number }) {
    this.#access = options.access
    this.#maxPerSource = options.maxPerSource
  }

  get refused(): number {
    return this.#refused
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
    const open = this.#open.get(remoteAddress) ?? 0
    if (open >= this.#maxPerSource || !this.#access.admits({ localAddress, remoteAddress })) {
      this.#refused++
      socket.resetAndDestroy()
      return
    }
    this.#open.set(remoteAddress, open + 1)
    socket.once('close', () => {
      const left = (this.#open.get(remoteAddress) ?? 1) - 1
      if (left === 0) this.#open.delete(remoteAddress)
      else this.#open.set(remoteAddress, left)
    })
  }
}
