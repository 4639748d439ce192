import { bytes, count } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { ProxyPortState } from '../../../ipc/edge-state.ts'
import { controllerPorts } from '../../../omada/ports.ts'
import { type Column, card, type Look, stateView, table } from './parts.ts'

const states: Readonly<Record<ProxyPortState['state'], Look & { word: string }>> = {
  listening: { mark: '✓', tone: 'good', word: 'Listening' },
  draining: { mark: '…', tone: 'busy', word: 'Finishing' },
  closed: { mark: '■', tone: 'idle', word: 'Closed' },
  failed: { mark: '✕', tone: 'bad', word: 'Failed' },
}

const purposes = new Map(
  controllerPorts.filter((known) => known.protocol === 'tcp').map((known) => [known.port, known.purpose]),
)

const columns: readonly Column<ProxyPortState>[] = [
  { label: 'Port', cell: (port) => html`${port.port}<small>${purposes.get(port.port)}</small>` },
  { label: 'State', cell: ({ state, reason }) => stateView(states[state], states[state].word, reason) },
  { label: 'Open', kind: 'figure', cell: (port) => count(port.open) },
  { label: 'Total', kind: 'figure', cell: (port) => count(port.total) },
  { label: 'To controller', kind: 'figure', cell: (port) => bytes(port.bytesIn) },
  { label: 'To clients', kind: 'figure', cell: (port) => bytes(port.bytesOut) },
  { label: 'Waiting room', kind: 'figure', cell: (port) => count(port.waitingRoom) },
  { label: 'Refused', kind: 'figure', cell: refused },
]

function refused(port: ProxyPortState): Html {
  const reasons = Object.entries(port.refused).filter(([, times]) => times > 0)
  const total = reasons.reduce((sum, [, times]) => sum + times, 0)
  return html`${count(total)}${reasons.map(([reason, times]) => html`<small>${reason} ${count(times)}</small>`)}`
}

/** The TCP ports and what has passed them. */
export function portsView(ports: readonly ProxyPortState[]): Html {
  const content = ports.length > 0 && table({ label: 'Ports', columns, rows: ports, key: ({ port }) => String(port) })
  return card('ports', 'Ports', content, 'No port is open.')
}
