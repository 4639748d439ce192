import { isObject, type JsonObject, ownValue } from '../../omada/frame.ts'
import { compareTo, contains, type Elements } from './nft-values.ts'
import {
  allOf,
  type BaseChain,
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
 * The base chains in the output of `nft -j list ruleset`.
 * @throws SyntaxError when it is not JSON
 */
export function parseNft(text: string): readonly BaseChain[] {
  const ruleset: unknown = JSON.parse(text)
  const listed = isObject(ruleset) ? ownValue(ruleset, 'nftables') : undefined
  return baseChainsOf(Array.isArray(listed) ? listed.filter(isObject) : [])
}

/**
 * The base chains among the objects of a ruleset (libnftables-json(5)). What is not understood of a rule may match or
 * may not, and may do anything.
 */
export function baseChainsOf(objects: readonly JsonObject[]): readonly BaseChain[] {
  const of = (kind: string) => objects.map((object) => ownValue(object, kind)).filter(isObject)
  const sets = new Map([...of('set'), ...of('map')].map((set) => [keyOf(set, 'name'), ownValue(set, 'elem')]))
  const rules = Map.groupBy(of('rule'), (rule) => keyOf(rule, 'chain'))
  const tables = Map.groupBy(of('chain'), tableOf)
  return [...tables].flatMap(([table, listed]) => {
    const elements: Elements = (name) => {
      const found = sets.get(`${table} ${name}`)
      return Array.isArray(found) ? found : undefined
    }
    const chains = new Map(
      listed.map((chain) => {
        const own = rules.get(keyOf(chain, 'name')) ?? []
        return [textOf(chain, 'name'), own.map((rule) => parseRule(ownValue(rule, 'expr'), elements))]
      }),
    )
    return listed.filter(isHooked).map((chain) => baseChain(chain, chains))
  })
}

function isHooked(chain: JsonObject): boolean {
  const isFilter = textOf(chain, 'type') === 'filter'
  return isFilter && hooks.has(textOf(chain, 'hook')) && families.has(textOf(chain, 'family'))
}

function baseChain(chain: JsonObject, chains: BaseChain['chains']): BaseChain {
  const rules = chains.get(textOf(chain, 'name')) ?? []
  const device = ownValue(chain, 'dev')
  return {
    // A bridge's packets come by its ports, which are no interfaces with addresses: nothing can be told of them.
    rules: textOf(chain, 'family') === 'bridge' && rules.length > 0 ? [opaque] : rules,
    owner: ownerOf(chain, [...chains.keys()]),
    policy: textOf(chain, 'policy') === 'drop' ? 'drop' : 'accept',
    chains,
    ...(device === undefined ? {} : { interfaces: [device].flat().map(String) }),
  }
}

const opaque: Rule = () => ({ match: 'maybe', verdict: { kind: 'unknown' } })

/** @param neighbours names of the chains of the same table */
function ownerOf(chain: JsonObject, neighbours: readonly string[]): FilterOwner {
  const place = { family: textOf(chain, 'family'), table: textOf(chain, 'table'), chain: textOf(chain, 'name') }
  if (place.table === 'firewalld') return { tool: 'firewalld' }
  if (neighbours.some((name) => name.startsWith('ufw-'))) return { tool: 'ufw' }
  // iptables(8) on nftables keeps its own names, in capitals.
  if (place.family === 'ip' && /^[A-Z]+$/.test(place.chain)) return { tool: 'iptables' }
  return { tool: 'nftables', ...place }
}

/** What one statement of a rule asks of a packet, and what becomes of the packet, if the statement says so. */
interface Part {
  readonly match: Match
  readonly verdict?: Verdict
}

function parseRule(expr: unknown, elements: Elements): Rule {
  const statements: readonly unknown[] = Array.isArray(expr) ? expr : []
  return (packet) => {
    const parts = statements.map((statement) => judge(statement, packet, elements))
    const verdict = parts.find((part) => part.verdict !== undefined)?.verdict
    return { match: allOf(parts.map(({ match }) => match)), verdict: verdict ?? { kind: 'continue' } }
  }
}

function judge(statement: unknown, packet: Packet, elements: Elements): Part {
  const [[kind, detail] = ['', undefined]] = isObject(statement) ? Object.entries(statement) : []
  if (silent.has(kind)) return { match: 'yes' }
  const given = isObject(detail) ? detail : {}
  switch (kind) {
    case 'match':
      return { match: matchOf(given, packet, elements) }
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return { match: 'yes', verdict: { kind } }
    case 'reject':
      return { match: 'yes', verdict: { kind: 'drop' } }
    case 'jump':
    case 'goto':
      return { match: 'yes', verdict: { kind, chain: textOf(given, 'target') } }
    case 'vmap':
      return { match: 'yes', verdict: mappedVerdict(given, packet, elements) }
    case 'xt':
      return judgeExtension(textOf(given, 'type'), textOf(given, 'name'))
    case 'limit':
    case 'quota':
    case 'ct count':
    case 'set':
      return { match: 'maybe' }
    default:
      return opaque(packet)
  }
}

function matchOf(detail: JsonObject, packet: Packet, elements: Elements): Match {
  const compare = compareTo(ownValue(detail, 'left'), packet)
  if (compare === 'no') return 'no'
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
  const entries = typeof data === 'string' ? elements(data.slice(1)) : isObject(data) && ownValue(data, 'set')
  if (!Array.isArray(entries)) return { kind: 'unknown' }
  let uncertain = false
  for (const entry of entries) {
    const [key, verdict]: unknown[] = Array.isArray(entry) ? entry : []
    const found = contains(key, compare, elements)
    if (found === 'yes') return judge(verdict, packet, elements).verdict ?? { kind: 'unknown' }
    if (found === 'maybe') uncertain = true
  }
  return { kind: uncertain ? 'unknown' : 'continue' }
}

/** An extension of iptables; nft tells at most its name. */
function judgeExtension(type: string, name: string): Part {
  if (type === 'match') return { match: name === 'comment' ? 'yes' : 'maybe' }
  if (name === 'LOG' || name === 'NFLOG') return { match: 'yes' }
  if (name === 'REJECT') return { match: 'yes', verdict: { kind: 'drop' } }
  return { match: 'maybe', verdict: { kind: 'unknown' } }
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
