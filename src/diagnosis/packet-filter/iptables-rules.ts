import type { JsonObject } from '../../omada/frame.ts'
import { baseChainsOf } from './nft-rules.ts'
import type { BaseChain } from './rules.ts'

/**
 * The base chains in the output of iptables-save(8). Its rules are translated to those of nft, as iptables-translate(8)
 * does; what is not understood becomes an extension, which may match or may not.
 */
export function parseIptables(text: string): readonly BaseChain[] {
  return baseChainsOf(text.split(/^(?=\*)/m).flatMap(objectsOf))
}

/** A table's chains and rules as objects of a ruleset (libnftables-json(5)). */
function objectsOf(section: string): readonly JsonObject[] {
  const [heading = '', ...lines] = section.split('\n').map((line) => line.trim())
  const place = { family: 'ip', table: heading.slice(1) }
  return lines.flatMap((line): readonly JsonObject[] => {
    const [, name, policy = '-'] = /^:(\S+) (\S+)/.exec(line) ?? []
    if (name !== undefined) return [{ chain: { ...place, name, ...(policy === '-' ? {} : base(place, name, policy)) } }]
    const [, chain, rule = ''] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line) ?? []
    if (chain === undefined) return []
    return [{ rule: { ...place, chain, expr: optionsOf(rule).flatMap(statementsOf) } }]
  })
}

/** Only the kernel's own chains have a policy. */
function base({ table }: { table: string }, name: string, policy: string): JsonObject {
  return { type: table === 'nat' ? 'nat' : 'filter', hook: name.toLowerCase(), policy: policy.toLowerCase() }
}

/** One option of a rule with its values, such as `--dport 29810`. */
interface Option {
  readonly name: string
  readonly values: readonly string[]
  readonly negated: boolean
}

/** The words of a rule, quoted ones whole, as options with their values. */
function optionsOf(text: string): readonly Option[] {
  const options: { name: string; values: string[]; negated: boolean }[] = []
  let negated = false
  for (const [word, quoted] of text.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)) {
    if (quoted === undefined && word === '!') negated = true
    else if (quoted === undefined && /^--?[A-Za-z]/.test(word)) {
      options.push({ name: word, values: [], negated })
      negated = false
    } else options.at(-1)?.values.push(quoted ?? word)
  }
  return options
}

/** Options of targets and of comments, which say nothing of the packet. */
const silent =
  /^--(comment|log-.*|nflog-.*|reject-with|set-x?mark|set-mark|save-mark|restore-mark|nfmask|ctmask|zone|notrack|add-set|del-set|exist)$/

/** Modules whose options are read, or that say nothing by themselves. */
const modules = new Set(['tcp', 'udp', 'multiport', 'conntrack', 'state', 'addrtype', 'pkttype', 'comment'])

/** Targets that let the packet go on to the next rule. */
const passing = new Set(['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'TRACE', 'CT', 'NOTRACK', 'CHECKSUM', 'SET', 'AUDIT'])

const verdicts = new Set(['ACCEPT', 'DROP', 'REJECT', 'RETURN'])

/** The statements of nft that say what the option says. */
function statementsOf({ name, values, negated }: Option): readonly JsonObject[] {
  const [value = '', second = ''] = values
  const words = value.toLowerCase().split(',')
  const match = (left: JsonObject, right: unknown) => [{ match: { op: negated ? '!=' : '==', left, right } }]
  if (silent.test(name)) return []
  switch (name) {
    case '-p':
      if (value === 'all') return []
      return match({ meta: { key: 'l4proto' } }, /^\d+$/.test(value) ? Number(value) : value)
    case '-i':
      return match({ meta: { key: 'iifname' } }, value.replace(/\+$/, '*'))
    case '-s':
      return match({ payload: { protocol: 'ip', field: 'saddr' } }, value)
    case '-d':
      return match({ payload: { protocol: 'ip', field: 'daddr' } }, value)
    case '--dport':
    case '--dports':
      return match({ payload: { protocol: 'th', field: 'dport' } }, words.map(portRange))
    case '--ctstate':
    case '--state':
      return match({ ct: { key: 'state' } }, words)
    case '--dst-type':
      return match({ fib: { result: 'type', flags: ['daddr'] } }, words)
    case '--pkt-type':
      return match({ meta: { key: 'pkttype' } }, words)
    case '--tcp-flags':
      // Only the first packet of a connection is ever asked about: either it has these flags or it never comes here.
      return match({ ct: { key: 'direction' } }, firstHasFlags(words, second) ? 'original' : 'reply')
    case '-m':
      return modules.has(value) ? [] : [{ xt: { type: 'match', name: value } }]
    case '-g':
      return [{ goto: { target: value } }]
    case '-j':
      if (passing.has(value)) return []
      // Not a verdict: a chain of the user's own, or a target that is not known here, which is then not among the chains.
      return [verdicts.has(value) ? { [value.toLowerCase()]: null } : { jump: { target: value } }]
    default:
      return [{ xt: { type: 'match', name } }]
  }
}

function portRange(text: string): JsonObject {
  const [low, high = low] = text.split(':')
  return { range: [Number(low), Number(high)] }
}

/** The first packet of a connection has the flag SYN alone. */
function firstHasFlags(mask: readonly string[], wanted: string): boolean {
  return wanted === (mask.includes('syn') || mask.includes('all') ? 'SYN' : 'NONE')
}
