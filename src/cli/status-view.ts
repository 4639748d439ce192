import type { Reason } from '../core/errors.ts'
import { ago, bytes, lasting } from '../core/format.ts'
import { plainText } from '../core/text.ts'
import type { Warning } from '../core/warning-kinds.ts'
import type { ApplianceStatus } from '../edge/status/merge.ts'
import type { Device, ProxyPortState } from '../ipc/edge-state.ts'
import type { Condition } from '../ipc/host-state.ts'

/**
 * The status as lines for people. `now` is milliseconds since 1970. Every line is fit for a terminal whatever the two
 * processes say, one of which faces the network.
 */
export function formatStatus(status: ApplianceStatus, devices: readonly Device[], now: number): string {
  const since = status.since === '' ? '' : `, since ${lasting(now, status.since)}`
  return [
    `${status.phase}${since}: ${plainText(status.reason.message)}`,
    ...remedyLines(status.reason, '  '),
    '',
    ...controllerLines(status, now),
    ...block('conditions', status.conditions.flatMap(conditionLines)),
    ...block(`devices (${devices.length})`, deviceLines(devices, now)),
    ...block('discovery', [`  ${status.discovery.sessions} sessions; ${counters(status.discovery.outcomes)}`]),
    ...block('ports', formatTable(status.proxy.ports.map(portCells))),
    ...block(
      'warnings',
      status.warnings.flatMap((warning) => warningLines(warning, now)),
    ),
  ]
    .map((line) => plainText(line))
    .join('\n')
}

function block(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines, '']
}

function remedyLines(reason: Reason, indent: string): string[] {
  return reason.remedy === undefined ? [] : [`${indent}fix: ${plainText(reason.remedy)}`]
}

function controllerLines({ controller }: ApplianceStatus, now: number): string[] {
  const { image, version, address, startedAt, pull } = controller
  const facts = [
    ...(image === undefined ? [] : [`image ${image}`]),
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(address === undefined ? [] : [`address ${address}`]),
    ...(startedAt === undefined ? [] : [`started ${ago(now, startedAt)}`]),
    ...(pull === undefined ? [] : [`pulled ${bytes(pull.current)} of ${bytes(pull.total)}`]),
  ]
  return facts.length === 0 ? [] : ['controller', ...facts.map((fact) => `  ${plainText(fact)}`), '']
}

function conditionLines(condition: Condition): string[] {
  const { name, status, reason, detail, consequenceOf } = condition
  const cause = consequenceOf === undefined ? '' : ` (because of ${consequenceOf})`
  const told = detail === undefined ? reason.message : `${reason.message}; ${detail}`
  return [
    `  ${status.padEnd(7)}  ${name}${cause}: ${plainText(told)}`,
    ...(status === 'failing' ? remedyLines(reason, '           ') : []),
  ]
}

function deviceLines(devices: readonly Device[], now: number): string[] {
  if (devices.length === 0) return ['  none has announced itself']
  const cells = devices.map(({ mac, class: kind, model, name, address, ownership, adoption, lastSeen }) => {
    return [mac, kind, model, name, address, ownership, adoption, ago(now, lastSeen)]
  })
  const table = formatTable([['mac', 'class', 'model', 'name', 'address', 'managed by', 'adoption', 'seen'], ...cells])
  const hints = devices.flatMap(({ mac, hint }) =>
    hint === undefined ? [] : [`  ${plainText(`${mac}: ${hint.message}`)}`, ...remedyLines(hint, '    ')],
  )
  return [...table, ...hints]
}

function portCells(port: ProxyPortState): string[] {
  const refused = Object.values(port.refused).reduce((sum, count) => sum + count, 0)
  const state = port.reason === undefined ? port.state : `${port.state}: ${plainText(port.reason.message)}`
  return [
    String(port.port),
    state,
    `${port.open} open`,
    `${port.total} in all`,
    `${bytes(port.bytesIn)} in`,
    `${bytes(port.bytesOut)} out`,
    ...(refused === 0 ? [] : [`${refused} refused`]),
  ]
}

function warningLines(warning: Warning, now: number): string[] {
  const { message, since } = warning
  const lasts = since === undefined ? '' : ` (for ${lasting(now, since)})`
  return [`  ${plainText(message)}${lasts}`, ...remedyLines(warning, '    ')]
}

/** Counters that are not zero, the largest first. */
function counters(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
  return told.length === 0 ? 'no datagram yet' : told.join(', ')
}

/** Of a cell in a table, in characters. */
const maxCell = 40

/** Rows as lines with aligned columns, indented. Long cells are cut: a line stays a line. */
function formatTable(rows: readonly (readonly string[])[]): string[] {
  const cut = rows.map((row) => row.map((cell) => plainText(cell, maxCell)))
  const widths: number[] = []
  for (const row of cut) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return cut.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}
