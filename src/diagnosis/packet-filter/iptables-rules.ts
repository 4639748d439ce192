import {
  allOf,
  anyOf,
  type BaseChain,
  type Chain,
  destinationIn,
  interfaceIs,
  type Match,
  not,
  type Packet,
  type Rule,
  sourceIn,
  type Verdict,
} from './rules.ts'

/** Chains through which a packet to this machine comes, in tables that can drop it. */
const baseChains = new Set(['PREROUTING', 'INPUT'])
const tables = new Set(['raw', 'mangle', 'filter', 'security'])

/** Targets that let the packet go on to the next rule. */
const passing = new Set(['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'TRACE', 'CT', 'NOTRACK', 'CHECKSUM', 'SET', 'AUDIT'])

/** The base chains in the output of iptables-save(8). What cannot be read of a rule may match or may not. */
export function parseIptables(text: string): readonly BaseChain[] {
  return text.split(/^(?=\*)/m).flatMap((section): readonly BaseChain[] => {
    const lines = section.split('\n').map((line) => line.trim())
    return tables.has(lines[0]?.slice(1) ?? '') ? parseTable(lines) : []
  })
}

function parseTable(lines: readonly string[]): readonly BaseChain[] {
  const policies = new Map<string, string>()
  const rules = new Map<string, Rule[]>()
  for (const line of lines) {
    const declared = /^:(\S+) (\S+)/.exec(line)
    if (declared?.[1] !== undefined) {
      policies.set(declared[1], declared[2] ?? '-')
      rules.set(declared[1], [])
    }
    const [, chain, rest] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line) ?? []
    if (chain !== undefined) rules.get(chain)?.push(parseRule(rest ?? ''))
  }
  const chains = new Map([...rules].map(([name, list]): [string, Chain] => [name, { name, rules: list }]))
  const tool = [...chains.keys()].some((name) => name.startsWith('ufw-')) ? 'ufw' : 'iptables'
  return [...chains.values()]
    .filter(({ name }) => baseChains.has(name))
    .map((chain) => ({
      ...chain,
      owner: { tool },
      policy: policies.get(chain.name) === 'DROP' ? 'drop' : 'accept',
      chains,
    }))
}

type Condition = (packet: Packet) => Match

/** One option of a rule with its value, such as `--dport 29810`. */
interface Option {
  readonly name: string
  readonly values: readonly string[]
  readonly negated: boolean
}

function parseRule(text: string): Rule {
  const options = optionsOf(text)
  const firstOf = (name: string) => options.find((option) => option.name === name)?.values[0]
  const conditions = options
    .filter(({ name }) => name !== '-j' && name !== '-g')
    .map((option): Condition => {
      const condition = conditionOf(option)
      return option.negated ? (packet) => not(condition(packet)) : condition
    })
  const target = firstOf('-j')
  const chain = firstOf('-g')
  const verdict: Verdict = chain === undefined ? verdictOf(target) : { kind: 'goto', chain }
  return { match: (packet) => allOf(conditions.map((condition) => condition(packet))), verdict: () => verdict }
}

function verdictOf(target: string | undefined): Verdict {
  if (target === undefined || passing.has(target)) return { kind: 'continue' }
  switch (target) {
    case 'ACCEPT':
      return { kind: 'accept' }
    case 'DROP':
    case 'REJECT':
      return { kind: 'drop' }
    case 'RETURN':
      return { kind: 'return' }
    default:
      // A chain of the user's own, or a target that is not known here, which is then not among the chains.
      return { kind: 'jump', chain: target }
  }
}

/** Options of targets and of comments, which say nothing of the packet. */
const silent =
  /^--(comment|log-.*|nflog-.*|reject-with|set-x?mark|set-mark|save-mark|restore-mark|nfmask|ctmask|zone|notrack|add-set|del-set|exist)$/

function conditionOf({ name, values }: Option): Condition {
  const [value = ''] = values
  if (silent.test(name)) return () => 'yes'
  switch (name) {
    case '-p':
      return (packet) =>
        value === 'all' || value === packet.protocol || value === protocolNumbers[packet.protocol] ? 'yes' : 'no'
    case '-i':
      return (packet) => interfaceIs(packet, value, '+')
    case '-s':
      return (packet) => sourceIn(packet, value)
    case '-d':
      return (packet) => destinationIn(packet, value)
    case '--dport':
    case '--dports':
      return (packet) => anyOf(value.split(',').map((range) => portIn(packet.port, range)))
    case '--ctstate':
    case '--state':
      return () => (value.split(',').includes('NEW') ? 'yes' : 'no')
    case '--dst-type':
    case '--pkt-type':
      return (packet) =>
        value.split(',').some((type) => destinationTypes[packet.destination].has(type)) ? 'yes' : 'no'
    case '--tcp-flags':
      return () => flagsMatch(value.split(','), (values[1] ?? '').split(','))
    case '-m':
      return () => (modules.has(value) ? 'yes' : 'maybe')
    default:
      return () => 'maybe'
  }
}

const protocolNumbers = { tcp: '6', udp: '17' } as const

/** As iptables-extensions(8) calls them: addrtype in capitals, pkttype in small letters. */
const destinationTypes = {
  local: new Set(['LOCAL', 'host', 'unicast']),
  broadcast: new Set(['BROADCAST', 'broadcast']),
}

/** Modules whose options are read, or that say nothing by themselves. */
const modules = new Set(['tcp', 'udp', 'multiport', 'conntrack', 'state', 'addrtype', 'pkttype', 'comment'])

function portIn(port: number, range: string): Match {
  const [low = '', high = low] = range.split(':')
  return port >= Number(low) && port <= Number(high) ? 'yes' : 'no'
}

/** The first packet of a connection has the flag SYN alone. */
function flagsMatch(mask: readonly string[], wanted: readonly string[]): Match {
  const looksAtSyn = mask.includes('SYN') || mask.includes('ALL')
  return (looksAtSyn ? 'SYN' : 'NONE') === wanted.join() ? 'yes' : 'no'
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
