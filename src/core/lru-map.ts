/** A map of bounded size in order of use: `get`, `touch` and `set` make an entry the newest; the oldest is evicted when full. */
export class LruMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #max: number
  readonly #onEvict: ((key: K, value: V) => void) | undefined

  constructor(options: { max: number; onEvict?: (key: K, value: V) => void }) {
    this.#max = options.max
    this.#onEvict = options.onEvict
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value, made the newest. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** The value, its place unchanged. */
  peek(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#max) this.#evictOldest()
    this.#entries.set(key, value)
  }

  /** Removes without calling `onEvict`. */
  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  /** The entry that was used longest ago. */
  oldest(): [K, V] | undefined {
    return this.#entries.entries().next().value
  }

  /** Oldest first. */
  entries(): MapIterator<[K, V]> {
    return this.#entries.entries()
  }

  /** Oldest first. */
  values(): MapIterator<V> {
    return this.#entries.values()
  }

  clear(): void {
    this.#entries.clear()
  }

  #evictOldest(): void {
    const oldest = this.oldest()
    if (oldest === undefined) return
    this.#entries.delete(oldest[0])
    this.#onEvict?.(...oldest)
  }
}
