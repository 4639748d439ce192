import { sourceOf } from '../core/source.ts'

/** Why a limit turns a connection away. */
export type LimitRefusal = 'limit-total' | 'limit-source'

/** How many connections are open at once: in total over all ports, and of one source on one port. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerSource: number
  /** Holds a source only while it has a connection, so that the total limit bounds this table too. */
  readonly #sources = new Map<string, number>()
  #total = 0

  constructor(options: { maxTotal: number; maxPerSource: number }) {
    this.#maxTotal = options.maxTotal
    this.#maxPerSource = options.maxPerSource
  }

  /** Takes a place, to be given back by `release` with the same arguments; or says which limit is reached. */
  take(port: number, address: string): LimitRefusal | undefined {
    if (this.#total >= this.#maxTotal) return 'limit-total'
    const key = `${port} ${sourceOf(address)}`
    const open = this.#sources.get(key) ?? 0
    if (open >= this.#maxPerSource) return 'limit-source'
    this.#sources.set(key, open + 1)
    this.#total += 1
    return undefined
  }

  release(port: number, address: string): void {
    const key = `${port} ${sourceOf(address)}`
    const open = this.#sources.get(key) ?? 0
    if (open > 1) this.#sources.set(key, open - 1)
    else this.#sources.delete(key)
    this.#total -= 1
  }
}
