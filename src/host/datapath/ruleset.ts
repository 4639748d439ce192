import { isObject, type JsonObject, ownValue } from '../../omada/frame.ts'

/** A set of nftables by its name: rules ask it, so that a change of what is in it changes no rule. */
export interface NamedSet {
  readonly name: string
  /** As nft(8) calls it: `ifname`, `ipv4_addr`, `ipv4_addr . inet_service`. */
  readonly type: string
  readonly flags?: readonly ('interval' | 'dynamic' | 'timeout')[]
  /** What else is said of it, such as `size 1024` or `timeout 1h`. */
  readonly more?: readonly string[]
  /** As nft lists them, without overlaps; absent in a set that the kernel fills while packets pass. */
  readonly elements?: readonly string[]
}

/** What happens to a packet that came so far in its chain. */
export interface Rule {
  /** Its comment in the kernel, by which it is found again; of its own in its chain, and without quotes. */
  readonly name: string
  /** Match and verdict as nft(8) has them, on one line. */
  readonly text: string
}

export interface Chain {
  readonly name: string
  /** Where the kernel calls it, with the policy accept; absent in one that others jump to. */
  readonly base?: {
    readonly type: 'filter' | 'nat'
    readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
    /** A number: names of priorities depend on the family and on the version of nft. */
    readonly priority: number
  }
  readonly rules: readonly Rule[]
}

/** What our table holds. Parts of it are made apart and put together by `joined`. */
export interface Ruleset {
  readonly sets: readonly NamedSet[]
  readonly chains: readonly Chain[]
}

/** The one table of ours, of both families of addresses. Nobody else has reason to touch it. */
export const table = { family: 'inet', name: 'omada-host' } as const

const named = `${table.family} ${table.name}`

/** One ruleset of several, in their order. */
export function joined(...parts: readonly Ruleset[]): Ruleset {
  return { sets: parts.flatMap(({ sets }) => sets), chains: parts.flatMap(({ chains }) => chains) }
}

/** The commands for nft that put this table in place of whatever it was before, in one step: no packet meets it half made. */
export function rulesetText({ sets, chains }: Ruleset): string {
  return [
    removalText,
    `table ${named} {`,
    ...sets.map(setText),
    // A rule may jump only to what is there.
    ...chains.map(({ name, base }) => `  chain ${name} {${base === undefined ? '' : ` ${hookText(base)}`} }`),
    ...chains.flatMap(({ name, rules }) => [
      `  chain ${name} {`,
      ...rules.map((rule) => `    ${rule.text} comment "${rule.name}"`),
      '  }',
    ]),
    '}',
    '',
  ].join('\n')
}

/** The commands for nft that remove the table, whether it is there or not. */
export const removalText = `add table ${named}\ndelete table ${named}`

function setText({ name, type, flags = [], more = [], elements }: NamedSet): string {
  const lines = [
    `type ${type}`,
    ...(flags.length === 0 ? [] : [`flags ${flags.join(', ')}`]),
    ...more,
    ...(elements === undefined || elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`]),
  ]
  return `  set ${name} { ${lines.join('; ')}; }`
}

function hookText({ type, hook, priority }: NonNullable<Chain['base']>): string {
  return `type ${type} hook ${hook} priority ${priority}; policy accept;`
}

/**
 * What a table lacks of a ruleset, for people; nothing when all of it stands. Rules are known by their names: who changes
 * one and keeps its name is root, and means it.
 * @param listing what `nft -j list table` says (libnftables-json(5)), parsed
 */
export function shortcomings(listing: unknown, { sets, chains }: Ruleset): readonly string[] {
  const listed = isObject(listing) ? ownValue(listing, 'nftables') : undefined
  const objects = Array.isArray(listed) ? listed.filter(isObject) : []
  const of = (kind: string) => objects.map((object) => ownValue(object, kind)).filter(isObject)
  const byName = (kind: string) => new Map(of(kind).map((object) => [String(ownValue(object, 'name')), object]))
  const [foundSets, foundChains] = [byName('set'), byName('chain')]
  const rules = Map.groupBy(of('rule'), (rule) => String(ownValue(rule, 'chain')))
  const isWhole = (chain: Chain) => {
    const found = foundChains.get(chain.name)
    const comments = (rules.get(chain.name) ?? []).map((rule) => ownValue(rule, 'comment'))
    return found !== undefined && hooksAlike(found, chain) && comments.join('\n') === chain.rules.map(nameOf).join('\n')
  }
  return [
    ...sets.filter((set) => !setsAlike(foundSets.get(set.name), set)).map(({ name }) => `set ${name}`),
    ...chains.filter((chain) => !isWhole(chain)).map(({ name }) => `chain ${name}`),
  ]
}

const nameOf = ({ name }: { readonly name: string }) => name

function hooksAlike(found: JsonObject, { base }: Chain): boolean {
  return base === undefined || (['type', 'hook'] as const).every((key) => ownValue(found, key) === base[key])
}

function setsAlike(found: JsonObject | undefined, { elements }: NamedSet): boolean {
  if (found === undefined) return false
  if (elements === undefined) return true
  const listed = ownValue(found, 'elem')
  const there = (Array.isArray(listed) ? listed : []).map(elementText)
  return [...there].sort().join() === elements.map(unquoted).sort().join()
}

const unquoted = (element: string) => element.replaceAll('"', '').replace(/\/32$/, '')

/** One element of a set, as it is written in a ruleset. */
function elementText(element: unknown): string {
  if (!isObject(element)) return String(element)
  const { elem, prefix, range, concat } = element
  if (isObject(elem)) return elementText(ownValue(elem, 'val'))
  if (isObject(prefix)) return `${ownValue(prefix, 'addr')}/${ownValue(prefix, 'len')}`
  if (Array.isArray(range)) return range.map(elementText).join('-')
  return Array.isArray(concat) ? concat.map(elementText).join(' . ') : JSON.stringify(element)
}
