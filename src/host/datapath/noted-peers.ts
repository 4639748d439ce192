import type { Clock } from '../../core/clock.ts'
import { isObject, ownValue } from '../../omada/frame.ts'

/** How long a packet is remembered after the last one of its kind, in milliseconds: as long as the kernel remembers it. */
const rememberedMilliseconds = 3_600_000

/** What the kernel has noted in a set of our table, over a table that is set anew. */
export class NotedPeers {
  readonly #clock: Clock
  readonly #set: string
  /** By the parts of its key: when the kernel noted it last, in monotonic milliseconds. */
  readonly #known = new Map<string, { readonly key: readonly string[]; readonly at: number }>()

  /** @param options.set the set's name; its `size` bounds what is kept here, too */
  constructor(options: { clock: Clock; set: string }) {
    this.#clock = options.clock
    this.#set = options.set
  }

  /**
   * Takes what the set holds now, and returns the keys of all that was noted within the hour, the first noted first.
   * @param listing our table as `nft -j list table` says it, parsed
   */
  seen(listing: unknown): readonly (readonly string[])[] {
    const now = this.#clock.now()
    for (const { key, ageSeconds } of notedIn(listing, this.#set)) {
      const id = key.join(' ')
      const at = Math.max(this.#known.get(id)?.at ?? Number.NEGATIVE_INFINITY, now - ageSeconds * 1000)
      this.#known.set(id, { key, at })
    }
    for (const [id, { at }] of this.#known) if (now - at > rememberedMilliseconds) this.#known.delete(id)
    return [...this.#known.values()].map(({ key }) => key)
  }

  forget(): void {
    this.#known.clear()
  }
}

/** The elements of a set whose key is a concatenation (libnftables-json(5)), and how long ago each was noted last. */
function notedIn(listing: unknown, name: string): readonly { key: readonly string[]; ageSeconds: number }[] {
  const objects = isObject(listing) ? ownValue(listing, 'nftables') : undefined
  const sets = (Array.isArray(objects) ? objects.filter(isObject) : []).map((object) => ownValue(object, 'set'))
  const set = sets.filter(isObject).find((one) => ownValue(one, 'name') === name)
  const elements = set === undefined ? undefined : ownValue(set, 'elem')
  return (Array.isArray(elements) ? elements.filter(isObject) : []).flatMap(({ elem }) => {
    if (!isObject(elem) || !isObject(elem.val) || !Array.isArray(elem.val.concat)) return []
    // Each packet gives it all of its time again. A set's own time is not written with each element.
    const { timeout = rememberedMilliseconds / 1000, expires = timeout } = elem
    return [{ key: elem.val.concat.map(String), ageSeconds: Math.max(0, Number(timeout) - Number(expires)) || 0 }]
  })
}
