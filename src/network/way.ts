import { existsSync } from 'node:fs'
import { z } from 'zod'
import { type Ipv4Network, ipv4Contains, parseIpv4Network } from '../core/cidr.ts'
import type { Fault } from '../core/errors.ts'
import { ProgramError, runProgram } from '../core/run-program.ts'

/** By which way Linux sends to an address now. */
export interface Way {
  /** The network device; undefined when a rule or route refuses the packet. */
  readonly interface: string | undefined
  /** The table of the route, by name or number as ip(8) writes it; undefined where it is not told. */
  readonly table: string | undefined
  /** The network that the route is for; `default` for all addresses. */
  readonly route: string
}

/** A rule by which Linux chooses a route table, see ip-rule(8). Those with a lower priority are asked first. */
export interface RoutingRule {
  readonly priority: number
  readonly table: string | undefined
  /** The destinations that it is for; undefined for all. */
  readonly destination: Ipv4Network | undefined
  /** It asks for more than the destination: a source, a mark, a port, another device. */
  readonly narrowed: boolean
  /** Routes of this prefix length and shorter do not count; -1 when all do. */
  readonly suppressed: number
}

/** Answered by the kernel from memory; ip(8) itself takes some ten milliseconds on a small machine. */
const deadlineMilliseconds = 5000

const main = 'main'
/** Tables that every machine has, and what ip(8) leaves out. */
const usual = new Set<string | undefined>([undefined, main, 'default'])

const wayAnswer = z.tuple([
  z.object({
    type: z.string().optional(),
    dst: z.string(),
    dev: z.string().optional(),
    table: z.union([z.string(), z.number()]).transform(String).optional(),
  }),
])

/**
 * Asks the kernel by which route a packet of this machine's own would leave.
 * @param from the address of this machine that it leaves from, when that is settled already
 * @returns undefined when no route leads there
 * @throws ProgramError, SyntaxError or ZodError when ip(8) cannot be asked, the signal's reason
 */
export async function wayTo(
  address: string,
  { from, signal }: { readonly from?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<Way | undefined> {
  const source = from === undefined ? [] : ['from', from]
  try {
    const answer = await runProgram(['ip', '-4', '-json', 'route', 'get', 'fibmatch', address, ...source], {
      deadlineMilliseconds,
      signal,
    })
    return parseWay(answer.toString('utf8'))
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error
    if (/Network is unreachable/.test(error.message)) return undefined
    // What a route or rule of the types unreachable, prohibit and blackhole answers, see ip-route(8).
    if (/No route to host|Permission denied|Invalid argument/.test(error.message)) {
      return { interface: undefined, table: undefined, route: 'default' }
    }
    throw error
  }
}

/** @param text what `ip -json route get fibmatch` says */
export function parseWay(text: string): Way {
  const [{ dst, dev, table, type }] = wayAnswer.parse(JSON.parse(text))
  const refusing = type !== undefined && /^(?:unreachable|prohibit|blackhole|throw)$/.test(type)
  return { interface: refusing ? undefined : dev, table: table ?? (type === 'local' ? 'local' : undefined), route: dst }
}

const rulesAnswer = z.array(
  z.looseObject({
    priority: z.number(),
    src: z.string().optional(),
    dst: z.string().optional(),
    dstlen: z.number().optional(),
    table: z.union([z.string(), z.number()]).transform(String).optional(),
    suppress_prefixlen: z.number().optional(),
  }),
)

/** The fields that do not say for which packets a rule is. */
const neutral = new Set(['priority', 'src', 'dst', 'dstlen', 'table', 'suppress_prefixlen', 'protocol', 'proto'])

/**
 * The machine's IPv4 rules in the order in which they are asked.
 * @throws ProgramError, SyntaxError or ZodError when ip(8) cannot be asked, the signal's reason
 */
export async function readRoutingRules(signal?: AbortSignal): Promise<readonly RoutingRule[]> {
  const answer = await runProgram(['ip', '-4', '-json', 'rule', 'list'], { deadlineMilliseconds, signal })
  return parseRoutingRules(answer.toString('utf8'))
}

/** @param text what `ip -json rule list` says */
export function parseRoutingRules(text: string): readonly RoutingRule[] {
  return rulesAnswer
    .parse(JSON.parse(text))
    .map((rule): RoutingRule => {
      const { priority, src = 'all', dst = 'all', dstlen = 32, table, suppress_prefixlen: suppressed = -1 } = rule
      const destination = dst === 'all' ? undefined : parseIpv4Network(`${dst}/${dstlen}`)
      const unread = dst !== 'all' && destination === undefined
      const narrowed = unread || src !== 'all' || Object.keys(rule).some((field) => !neutral.has(field))
      return { priority, table, destination, narrowed, suppressed }
    })
    .sort((a, b) => a.priority - b.priority)
}

/** By which way Linux sends to the container now, and what it goes by. */
export interface ContainerWay {
  readonly bridge: string
  /** Without the bridge no route of the main table leads to the container yet. */
  readonly bridgeThere: boolean
  readonly way: Way | undefined
  /** Looked at only where it is not the bridge's way. */
  readonly rules: readonly RoutingRule[]
}

/**
 * Looks by which way Linux sends to the container.
 * @returns undefined where ip(8) cannot be asked
 * @throws the signal's reason
 */
export async function readContainerWay(
  { controllerAddress, bridge }: { readonly controllerAddress: string; readonly bridge: string },
  signal?: AbortSignal,
): Promise<ContainerWay | undefined> {
  try {
    const way = await wayTo(controllerAddress, { signal })
    const rules = way?.interface === bridge ? [] : await readRoutingRules(signal)
    return { bridge, bridgeThere: existsSync(`/sys/class/net/${bridge}`), way, rules }
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
}

/**
 * What sends packets for the container another way than over its bridge, as a VPN's policy routing does. Pure.
 * @param network as the configuration has it: `subnet` in CIDR notation
 */
export function wrongWay(
  {
    subnet,
    controllerAddress,
    name,
  }: { readonly subnet: string; readonly controllerAddress: string; readonly name: string },
  { bridge, bridgeThere, way, rules }: ContainerWay,
): Fault | undefined {
  const found = diversion({ subnet, interface: bridge, there: bridgeThere }, way, rules)
  if (found === undefined) return undefined
  const { how, remedy } = found
  const other = 'or set network.subnet and network.controllerAddress to a network that no route of this machine is for'
  return {
    code: 'SUBNET_ROUTED',
    message: `what this machine sends to the controller at ${controllerAddress} does not get to its bridge ${bridge}: Linux ${how}`,
    remedy:
      remedy === undefined
        ? `the bridge has lost its address: omada-host stop, then podman network rm ${name}, or docker network rm ${name}, then omada-host start, which makes it anew`
        : `${remedy}; ${other}`,
  }
}

/** Whether it is the bridge alone that is at fault: it is there, and has no route to its network. */
export function bridgeLacksRoute(
  network: { readonly subnet: string },
  { bridge, bridgeThere, way, rules }: ContainerWay,
): boolean {
  const found = diversion({ subnet: network.subnet, interface: bridge, there: bridgeThere }, way, rules)
  return found !== undefined && found.remedy === undefined
}

/** Why packets for a network do not leave by its interface. */
export interface Diversion {
  /** What Linux does with them, to follow the word "Linux". */
  readonly how: string
  /** The command that mends it; undefined where the interface has no route to the network at all. */
  readonly remedy: string | undefined
}

/**
 * Whether Linux sends what is for a network another way than by its interface, and by which rule or route. Pure.
 * @param target.there whether the interface is there; its own route comes with it
 */
export function diversion(
  target: { readonly subnet: string; readonly interface: string; readonly there: boolean },
  way: Way | undefined,
  rules: readonly RoutingRule[],
): Diversion | undefined {
  const { subnet, there } = target
  const network = parseIpv4Network(subnet)
  if (way === undefined || network === undefined || way.table === 'local' || way.interface === target.interface) {
    return undefined
  }
  const diverting = divertingRule(way, rules, network)
  // The interface's own route is the nearer one wherever the main table is asked.
  const byMain = usual.has(way.table) && diverting === undefined
  if (!there && (byMain || mainComesFirst(rules, diverting, network))) return undefined
  const table = way.table ?? diverting?.table
  const how = [
    way.interface === undefined ? 'refuses it' : `sends it by ${way.interface}`,
    ...(table === undefined || table === main ? [] : [`because of route table ${table}`]),
    `(route: ${way.route})`,
  ].join(' ')
  return { how, remedy: remedyFor(subnet, way, diverting) }
}

function remedyFor(subnet: string, way: Way, diverting: RoutingRule | undefined): string | undefined {
  const lasting = 'and where the VPN is set up, so that it lasts'
  if (diverting !== undefined) {
    const priority = Math.max(0, diverting.priority - 1)
    return `ip rule add to ${subnet} lookup main priority ${priority}, ${lasting} (wg-quick: PostUp)`
  }
  if (way.route === 'default') return undefined
  return `ip route del ${way.route}${way.interface === undefined ? '' : ` dev ${way.interface}`}, ${lasting}`
}

/** The rule that leads to the table of this way; where nothing tells the table, the first one that refuses. */
function divertingRule(
  { table, interface: device }: Way,
  rules: readonly RoutingRule[],
  network: Ipv4Network,
): RoutingRule | undefined {
  const others = rules.filter((rule) => !usual.has(rule.table) || (device === undefined && rule.table === undefined))
  return others.find(
    (rule) =>
      (table === undefined ? device === undefined : rule.table === table) &&
      rule.table !== 'local' &&
      isFor(rule, network),
  )
}

/** Whether the main table, with the bridge's route in it, is asked for the network before this rule is. */
function mainComesFirst(
  rules: readonly RoutingRule[],
  diverting: RoutingRule | undefined,
  network: Ipv4Network,
): boolean {
  return rules.some(
    (rule) =>
      rule.table === main &&
      !rule.narrowed &&
      rule.suppressed < network.prefix &&
      isFor(rule, network) &&
      (diverting === undefined || rule.priority < diverting.priority),
  )
}

function isFor({ destination }: RoutingRule, network: Ipv4Network): boolean {
  return destination === undefined || (destination.prefix <= network.prefix && ipv4Contains(destination, network.base))
}
