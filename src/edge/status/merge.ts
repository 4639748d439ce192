import type { Reason } from '../../core/errors.ts'
import { bySeverity, type HistoryEntry, type Warning } from '../../core/warning-kinds.ts'
import type { DiscoveryState, EdgeState, ListenerState, ProxyPortState } from '../../ipc/edge-state.ts'
import type { Condition, ControllerFacts, HostState, ImageCheck, Phase } from '../../ipc/host-state.ts'
import type { PortHolder } from '../../linux/port-holders.ts'

/** What the page, the API and the CLI tell of the appliance. Facts that are not known are absent. Times are ISO 8601. */
export interface ApplianceStatus {
  readonly phase: Phase
  readonly reason: Reason
  readonly since: string
  readonly appliance: Partial<HostState['appliance']>
  readonly controller: Partial<ControllerFacts>
  readonly conditions: readonly Condition[]
  readonly discovery: DiscoveryState
  readonly proxy: { readonly ports: readonly ProxyPortState[] }
  /** Of the status page itself; absent when the edge does not answer. */
  readonly status?: ListenerState
  /** What a user should know or act on, the worst first, the ports that could not be opened among them. */
  readonly warnings: readonly Warning[]
  readonly images?: ImageCheck
  /** Of both halves, newest last. */
  readonly history: readonly HistoryEntry[]
}

export interface MergeOptions {
  /** What the host said before it fell silent, and when that was. Used when `host` is undefined. */
  readonly lost?: { readonly host: HostState; readonly at: string }
  /** The edge's own process, which is nobody's rival for a port. */
  readonly ownPid?: number
}

/**
 * One status from the two halves; undefined is a half that does not answer. Without the host nobody watches the
 * controller: its last known phase stands, except that `ready`, which nobody vouches for any more, becomes `degraded`.
 * `since` is empty only when neither half was ever known.
 */
export function mergeStatus(
  host: HostState | undefined,
  edge: EdgeState | undefined,
  options: MergeOptions = {},
): ApplianceStatus {
  const known = host ?? options.lost?.host
  const rivals = (known?.portHolders ?? []).filter(({ pid }) => pid !== options.ownPid)
  const ports = (edge?.proxy.ports ?? []).map((port) => nameRivals(port, 'tcp', rivals))
  const listeners = (edge?.discovery.listeners ?? []).map((entry) => nameRivals(entry, entry.protocol, rivals))
  const status = edge && nameRivals(edge.status, 'tcp', rivals)
  const failures = [...ports, ...listeners, ...(status === undefined ? [] : [status])].flatMap((entry) =>
    entry.state === 'failed' && entry.reason !== undefined ? [{ ...entry.reason, severity: 'error' as const }] : [],
  )
  return {
    ...phaseOf(host, edge, options),
    appliance: known?.appliance ?? {},
    controller: known?.controller ?? {},
    conditions: host?.conditions ?? (options.lost?.host.conditions ?? []).map(unwatched),
    discovery: { ...(edge?.discovery ?? { sessions: 0, devices: 0, outcomes: {} }), listeners },
    proxy: { ports },
    ...(status === undefined ? {} : { status }),
    warnings: distinct([
      ...(edge === undefined ? [edgeAbsent] : []),
      ...failures,
      ...(known?.warnings ?? []),
      ...(edge?.warnings ?? []),
    ]).sort(bySeverity),
    ...(known?.images === undefined ? {} : { images: known.images }),
    history: inTurn(known?.history ?? [], edge?.history ?? []),
  }
}

const hostRemedy = 'systemctl status omada-host shows why; systemctl start omada-host starts it again'

const edgeAbsent: Warning = {
  severity: 'error',
  code: 'APPLIANCE_UNREACHABLE',
  message: 'the edge does not answer: devices and browsers may not reach the controller',
  remedy: 'systemctl status omada-host-edge shows why; systemctl restart omada-host-edge starts it again',
}

function phaseOf(
  host: HostState | undefined,
  edge: EdgeState | undefined,
  { lost }: MergeOptions,
): Pick<ApplianceStatus, 'phase' | 'reason' | 'since'> {
  if (host !== undefined) return { phase: host.phase, reason: host.reason, since: host.since }
  if (lost === undefined) {
    const message = "omada-host's host process has not answered yet"
    const reason: Reason = { code: 'APPLIANCE_UNREACHABLE', message, remedy: hostRemedy }
    return { phase: 'starting', reason, since: edge?.startedAt ?? '' }
  }
  const was = lost.host.phase
  const message = `omada-host's host process does not answer; forwarding goes on. The controller was ${was} before`
  return {
    phase: was === 'ready' ? 'degraded' : was,
    reason: { code: 'APPLIANCE_UNREACHABLE', message, remedy: hostRemedy },
    since: lost.at,
  }
}

/**
 * The same entry; when it failed and the host sees who holds the port, its reason names the process. The edge cannot
 * see other processes, which is why its half of the state does not say it.
 */
function nameRivals<T extends ProxyPortState | ListenerState>(
  entry: T,
  protocol: PortHolder['protocol'],
  rivals: readonly PortHolder[],
): T {
  if (entry.state !== 'failed' || entry.reason === undefined) return entry
  const here = rivals.filter((rival) => rival.protocol === protocol && rival.port === entry.port)
  if (here.length === 0) return entry
  const names = [...new Set(here.map((rival) => `${rival.process} (pid ${rival.pid})`))].slice(0, 3).join(', ')
  return { ...entry, reason: { ...entry.reason, message: `${entry.reason.message}: ${names}` } }
}

function unwatched(condition: Condition): Condition {
  const { detail: _, consequenceOf: __, ...rest } = condition
  return { ...rest, status: 'unknown', reason: { message: 'not measured while the host process does not answer' } }
}

/** The first of those with the same message. */
function distinct(warnings: readonly Warning[]): Warning[] {
  const same = Map.groupBy(warnings, ({ message }) => message)
  return [...same.values()].flatMap(([first]) => first ?? [])
}

/** Both in the order of their times. Each keeps its own order, whatever its clock did meanwhile. */
function inTurn(one: readonly HistoryEntry[], other: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const merged: HistoryEntry[] = []
  const left = [...other]
  for (const entry of one) {
    while (left[0] !== undefined && left[0].at < entry.at) merged.push(...left.splice(0, 1))
    merged.push(entry)
  }
  return [...merged, ...left]
}
