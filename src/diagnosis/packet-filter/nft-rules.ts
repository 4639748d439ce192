import { isObject, type JsonObject, ownValue } from '../../omada/frame.ts'
import { compareTo, contains, type Elements } from './nft-values.ts'
import {
  allOf,
  type BaseChain,
  type Chain,
  type FilterOwner,
  type Match,
  not,
  type Packet,
  type Rule,
  type Verdict,
} from './rules.ts'

/** Hooks through which a packet to this machine comes. */
const hooks = new Set(['ingress', 'prerouting', 'input'])
const families = new Set(['ip', 'inet', 'netdev', 'bridge'])

/** Statements that neither select packets nor end a rule. */
const silent = new Set(['counter', 'log', 'mangle', 'notrack', 'ct helper', 'ct timeout', 'flow', 'comment'])

/**
 * The base chains in the output of `nft -j list ruleset` (libnftables-json(5)). What is not understood of a rule may match
 * or may not, and may do anything.
 * @throws SyntaxError when it is not JSON
 */
export function parseNft(text: string): readonly BaseChain[] {
  const ruleset: unknown = JSON.parse(text)
  const listed = isObject(ruleset) ? ownValue(ruleset, 'nftables') : undefined
  const objects = Array.isArray(listed) ? listed.filter(isObject) : []
  const of = (kind: string) => objects.map((object) => ownValue(object, kind)).filter(isObject)
  const elements = new Map([...of('set'), ...of('map')].map((set) => [keyOf(set, 'name'), ownValue(set, 'elem')]))
  const rules = Map.groupBy(of('rule'), (rule) => keyOf(rule, 'chain'))
  const read = of('chain').map((chain) => ({
    chain,
    table: tableOf(chain),
    name: textOf(chain, 'name'),
    rules: (rules.get(keyOf(chain, 'name')) ?? []).map((rule) =>
      parseRule(ownValue(rule, 'expr'), (name) => {
        const found = elements.get(`${tableOf(rule)} ${name}`)
        return Array.isArray(found) ? found : undefined
      }),
    ),
  }))
  const tables = Map.groupBy(read, ({ table }) => table)
  return read.flatMap(({ chain, table, name, rules: own }): readonly BaseChain[] => {
    const family = textOf(chain, 'family')
    if (!hooks.has(textOf(chain, 'hook')) || textOf(chain, 'type') !== 'filter' || !families.has(family)) return []
    const chains = new Map((tables.get(table) ?? []).map((one): [string, Chain] => [one.name, one]))
    const device = ownValue(chain, 'dev')
    return [
      {
        name,
        // A bridge's packets come by its ports, which are no interfaces with addresses: nothing can be told of them.
        rules: family === 'bridge' && own.length > 0 ? [opaque] : own,
        owner: ownerOf({ family, table: textOf(chain, 'table'), chain: name, chains }),
        policy: textOf(chain, 'policy') === 'drop' ? 'drop' : 'accept',
        chains,
        ...(device === undefined ? {} : { interfaces: [device].flat().map(String) }),
      },
    ]
  })
}

const opaque: Rule = { match: () => 'maybe', verdict: () => ({ kind: 'unknown' }) }

function ownerOf(place: {
  family: string
  table: string
  chain: string
  chains: ReadonlyMap<string, Chain>
}): FilterOwner {
  const { family, table, chain } = place
  if (table === 'firewalld') return { tool: 'firewalld' }
  if ([...place.chains.keys()].some((name) => name.startsWith('ufw-'))) return { tool: 'ufw' }
  // iptables(8) on nftables keeps its own names, in capitals.
  if (family === 'ip' && /^[A-Z]+$/.test(chain)) return { tool: 'iptables' }
  return { tool: 'nftables', family, table, chain }
}

interface Part {
  readonly match: (packet: Packet) => Match
  readonly verdict?: (packet: Packet) => Verdict
}

function parseRule(expr: unknown, elements: Elements): Rule {
  const parts = (Array.isArray(expr) ? expr : []).map((statement) => parseStatement(statement, elements))
  const verdict = parts.find((part) => part.verdict !== undefined)?.verdict
  return {
    match: (packet) => allOf(parts.map((part) => part.match(packet))),
    verdict: (packet) => verdict?.(packet) ?? { kind: 'continue' },
  }
}

const always = () => 'yes' as const
const perhaps: Part = { match: () => 'maybe' }

function parseStatement(statement: unknown, elements: Elements): Part {
  const [[kind, detail] = ['', undefined]] = isObject(statement) ? Object.entries(statement) : []
  if (silent.has(kind)) return { match: always }
  const given = isObject(detail) ? detail : {}
  switch (kind) {
    case 'match':
      return { match: (packet) => matchOf(given, packet, elements) }
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return { match: always, verdict: () => ({ kind }) }
    case 'reject':
      return { match: always, verdict: () => ({ kind: 'drop' }) }
    case 'jump':
    case 'goto':
      return { match: always, verdict: () => ({ kind, chain: textOf(given, 'target') }) }
    case 'vmap':
      return { match: always, verdict: (packet) => mappedVerdict(given, packet, elements) }
    case 'xt':
      return parseExtension(given)
    case 'limit':
    case 'quota':
    case 'ct count':
    case 'set':
      return perhaps
    default:
      return { match: () => 'maybe', verdict: () => ({ kind: 'unknown' }) }
  }
}

function matchOf(detail: JsonObject, packet: Packet, elements: Elements): Match {
  const compare = compareTo(ownValue(detail, 'left'), packet)
  if (compare === 'no') return 'no'
  if (compare === undefined) return 'maybe'
  const found = contains(ownValue(detail, 'right'), compare, elements)
  switch (ownValue(detail, 'op')) {
    case '==':
    case 'in':
      return found
    case '!=':
      return not(found)
    default:
      return 'maybe'
  }
}

function mappedVerdict(detail: JsonObject, packet: Packet, elements: Elements): Verdict {
  const compare = compareTo(ownValue(detail, 'key'), packet)
  if (compare === 'no') return { kind: 'continue' }
  const data = ownValue(detail, 'data')
  const entries = isObject(data)
    ? ownValue(data, 'set')
    : typeof data === 'string'
      ? elements(data.slice(1))
      : undefined
  if (compare === undefined || !Array.isArray(entries)) return { kind: 'unknown' }
  let uncertain = false
  for (const entry of entries) {
    const [key, verdict]: unknown[] = Array.isArray(entry) ? entry : []
    const found = contains(key, compare, elements)
    if (found === 'yes') return parseStatement(verdict, elements).verdict?.(packet) ?? { kind: 'unknown' }
    if (found === 'maybe') uncertain = true
  }
  return { kind: uncertain ? 'unknown' : 'continue' }
}

/** An extension of iptables; nft tells at most its name. */
function parseExtension(detail: JsonObject): Part {
  const name = textOf(detail, 'name')
  if (textOf(detail, 'type') === 'match') return name === 'comment' ? { match: always } : perhaps
  if (name === 'LOG' || name === 'NFLOG') return { match: always }
  if (name === 'REJECT') return { match: always, verdict: () => ({ kind: 'drop' }) }
  return { match: () => 'maybe', verdict: () => ({ kind: 'unknown' }) }
}

function textOf(object: JsonObject, key: string): string {
  const value = ownValue(object, key)
  return typeof value === 'string' ? value : ''
}

function tableOf(object: JsonObject): string {
  return `${textOf(object, 'family')} ${textOf(object, 'table')}`
}

function keyOf(object: JsonObject, name: string): string {
  return `${tableOf(object)} ${textOf(object, name)}`
}
