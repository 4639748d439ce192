/** A map of bounded size in order of use: `get` and `set` make an entry the newest; the oldest is evicted when full. */
export class LruMap<K, V> extends Map<K, V> {
  readonly #max: number
  readonly #onEvict: ((key: K, value: V) => void) | undefined

  constructor(options: { max: number; onEvict?: (key: K, value: V) => void }) {
    super()
    this.#max = options.max
    this.#onEvict = options.onEvict
  }

  /** The value, made the newest. */
  override get(key: K): V | undefined {
    const value = super.get(key)
    if (value === undefined) return undefined
    super.delete(key)
    super.set(key, value)
    return value
  }

  /** The value, its place unchanged. */
  peek(key: K): V | undefined {
    return super.get(key)
  }

  override set(key: K, value: V): this {
    this.delete(key)
    const oldest = this.size >= this.#max ? this.oldest() : undefined
    if (oldest !== undefined) {
      this.delete(oldest[0])
      this.#onEvict?.(...oldest)
    }
    return super.set(key, value)
  }

  /** The entry that was used longest ago. */
  oldest(): [K, V] | undefined {
    return this.entries().next().value
  }
}
