import type { Clock } from '../../core/clock.ts'
import { isObject, ownValue } from '../../omada/frame.ts'

/** How long a packet is remembered after the last one of its kind, in milliseconds: as long as the kernel remembers it. */
const rememberedMilliseconds = 3_600_000

/** What the kernel has noted in a set of our table, over a table that is set anew. */
export class NotedPeers {
  readonly #clock: Clock
  readonly #set: string
  /** By the parts of its key: the kernel's count, and when it last grew, in monotonic milliseconds. */
  readonly #known = new Map<
    string,
    { readonly key: readonly string[]; readonly packets: number; readonly at: number }
  >()

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
    for (const { key, packets } of notedIn(listing, this.#set)) {
      const id = key.join(' ')
      if (this.#known.get(id)?.packets !== packets) this.#known.set(id, { key, packets, at: now })
    }
    for (const [id, { at }] of this.#known) if (now - at > rememberedMilliseconds) this.#known.delete(id)
    return [...this.#known.values()].map(({ key }) => key)
  }

  forget(): void {
    this.#known.clear()
  }
}

/** The elements of a set whose key is a concatenation (libnftables-json(5)), with their counts. */
function notedIn(listing: unknown, name: string): readonly { key: readonly string[]; packets: number }[] {
  const objects = isObject(listing) ? ownValue(listing, 'nftables') : undefined
  const sets = (Array.isArray(objects) ? objects.filter(isObject) : []).map((object) => ownValue(object, 'set'))
  const set = sets.filter(isObject).find((one) => ownValue(one, 'name') === name)
  const elements = set === undefined ? undefined : ownValue(set, 'elem')
  return (Array.isArray(elements) ? elements.filter(isObject) : []).flatMap(({ elem }) => {
    if (!isObject(elem) || !isObject(elem.val) || !Array.isArray(elem.val.concat)) return []
    const packets = isObject(elem.counter) ? Number(elem.counter.packets) : 0
    return [{ key: elem.val.concat.map(String), packets }]
  })
}
