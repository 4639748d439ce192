import { bytes, count, percent, plural } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { Warning } from '../../../core/warning-kinds.ts'
import type { Phase, PullProgress } from '../../../ipc/host-state.ts'
import type { ApplianceStatus } from '../merge.ts'
import { type Look, lastingView, reasonView } from './parts.ts'

const phases: Readonly<Record<Phase, Look & { title: string }>> = {
  pulling: { title: 'Downloading', mark: '↓', tone: 'busy' },
  creating: { title: 'Setting up', mark: '…', tone: 'busy' },
  starting: { title: 'Starting', mark: '…', tone: 'busy' },
  ready: { title: 'Ready', mark: '✓', tone: 'good' },
  degraded: { title: 'Degraded', mark: '!', tone: 'bad' },
  stopping: { title: 'Stopping', mark: '…', tone: 'busy' },
  stopped: { title: 'Stopped', mark: '■', tone: 'idle' },
  failed: { title: 'Failed', mark: '✕', tone: 'bad' },
}

export function phaseTitle(phase: Phase): string {
  return phases[phase].title
}

/** The headline: what the appliance is doing and why, since when, and how far a pull came. */
export function phaseView(status: ApplianceStatus, now: number): Html {
  const { title, mark, tone } = phases[status.phase]
  const open = status.proxy.ports.reduce((sum, port) => sum + port.open, 0)
  return html`<section id="phase" class="phase ${tone}" aria-labelledby="phase-title">
<div aria-live="polite"><h1 id="phase-title"><span class="mark" aria-hidden="true">${mark}</span>${title}</h1>
<p class="reason">${reasonView(status.reason)}</p></div>
${status.controller.pull === undefined ? undefined : pullView(status.controller.pull)}
<p class="facts"><span>Phase <b>${status.phase}</b>${since(status.since, now)}</span><span>${plural(
    status.discovery.devices,
    'device',
  )} seen</span><span>${plural(open, 'open connection')}</span></p>
</section>`
}

function since(iso: string, now: number): Html | undefined {
  return iso === '' ? undefined : html`, for ${lastingView(now, iso)}`
}

/** The bar says nothing that the figures beside it do not say. */
function pullView(pull: PullProgress): Html {
  const done = pull.layers.filter((layer) => layer.done).length
  const share = percent(pull)
  return html`<div class="pull"><progress max="100" aria-label="Download" ${
    share !== undefined && html`value="${share}"`
  }></progress>
<p>${bytes(pull.current)}${share !== undefined && ` of ${bytes(pull.total)} (${share} %)`} · ${count(
    done,
  )} of ${plural(pull.layers.length, 'layer')}${pull.attempt > 1 && ` · attempt ${pull.attempt}`}</p></div>`
}

/** Things to know or act on; nothing when there are none. */
export function warningsView(warnings: readonly Warning[], now: number): Html | undefined {
  if (warnings.length === 0) return undefined
  return html`<section id="warnings" class="card warnings" aria-labelledby="warnings-title">
<h2 id="warnings-title"><span class="mark" aria-hidden="true">!</span>Needs attention</h2>
<ul>${warnings.map((warning) => html`<li>${reasonView(warning)}${sinceView(warning, now)}</li>`)}</ul>
</section>`
}

function sinceView({ since }: Warning, now: number): Html | undefined {
  return since === undefined ? undefined : html` <span class="since">for ${lastingView(now, since)}</span>`
}
