import { sourceOf } from '../../core/cidr.ts'

interface LimitOptions {
  readonly maxTotal: number
  readonly maxPerSource: number
  /** Whether a port is for browsers, apps and portal guests, too. */
  readonly isWeb: (port: number) => boolean
}

/**
 * How many connections are open at once, so that few clients cannot keep the many out:
 *
 * - in total over all ports; of that at most half on the web ports, so that neither browsers nor a rush of portal guests
 *   take the places of the devices, which need one each and for good
 * - of one source on one port
 * - of one source over all ports: as many as are free besides. One source gets half of the places, two a third each, and
 *   however many try, some are left for who holds none yet (the dynamic threshold of Choudhury and Hahne, IEEE/ACM
 *   Transactions on Networking 6(2), 1998)
 */
export class ConnectionLimits {
  readonly #options: LimitOptions
  /** By source, and by port and source. Hold one only while it has a connection, so that the total limit bounds both. */
  readonly #open = new Map<string, number>()
  #total = 0
  #web = 0

  constructor(options: LimitOptions) {
    this.#options = options
  }

  /** Takes a place, to be given back by `release` with the same arguments; or says which limit is reached. */
  take(port: number, address: string): 'limit-total' | 'limit-source' | undefined {
    const free = this.#freeOn(port)
    if (free <= 0) return 'limit-total'
    const source = sourceOf(address)
    if (this.#openOf(source) >= free || this.#openOf(`${port} ${source}`) >= this.#options.maxPerSource)
      return 'limit-source'
    this.#add(port, source, 1)
    return undefined
  }

  release(port: number, address: string): void {
    this.#add(port, sourceOf(address), -1)
  }

  #freeOn(port: number): number {
    const { isWeb, maxTotal } = this.#options
    const free = maxTotal - this.#total
    return isWeb(port) ? Math.min(free, Math.ceil(maxTotal / 2) - this.#web) : free
  }

  #openOf(key: string): number {
    return this.#open.get(key) ?? 0
  }

  #add(port: number, source: string, change: 1 | -1): void {
    this.#total += change
    if (this.#options.isWeb(port)) this.#web += change
    for (const key of [source, `${port} ${source}`]) {
      const open = this.#openOf(key) + change
      if (open > 0) this.#open.set(key, open)
      else this.#open.delete(key)
    }
  }
}
