import { count, plural } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { DiscoveryState, ListenerState } from '../../../ipc/edge-state.ts'

/** What the outcomes of a datagram mean, for whoever sees one of them grow. */
const meanings = new Map([
  ['relayed', 'handed to the controller'],
  ['answered', 'answers handed back'],
  ['duplicate', 'the same announce again, as devices send to two broadcast addresses'],
  ['own-echo', 'our own datagrams, come back'],
  ['from-container', "sent from the container's own network"],
  ['no-controller', 'the controller was not there to take it'],
  ['rate-limited', 'the sender sends too much (discovery.ratePerSource)'],
  ['refused', 'the sender is not in access.devices'],
  ['oversize', 'longer than any discovery datagram'],
  ['empty', 'without content'],
  ['bad-source', 'from an address that nothing could answer'],
  ['malformed', 'not a discovery frame (discovery.strict)'],
  ['peer-probe', 'another omada-host, or netcheck, asked who is here'],
  ['send-failed', 'this machine could not send it on'],
  ['answer-oversize', 'an answer too long to hand back'],
  ['answer-send-failed', 'an answer that this machine could not send'],
])

/** How many datagrams ended how. Outcomes that never happened are left out, except the one that matters most. */
export function discoveryView(discovery: DiscoveryState): Html {
  const outcomes = Object.entries(discovery.outcomes).filter(([name, times]) => times > 0 || name === 'relayed')
  const failed = discovery.listeners.filter((listener) => listener.state === 'failed')
  return html`<section id="discovery" class="card" aria-labelledby="discovery-title">
<h2 id="discovery-title">Discovery</h2>
<p class="summary">${plural(discovery.sessions, 'session')} · listening on ${plural(
    discovery.listeners.filter((listener) => listener.state === 'listening').length,
    'UDP socket',
  )}</p>
${failed.length > 0 && html`<ul class="failures">${failed.map(failedListener)}</ul>`}
<dl class="outcomes">${outcomes.map(
    ([name, times]) =>
      html`<div data-key="${name}"><dt>${name}<small>${meanings.get(name)}</small></dt><dd>${count(times)}</dd></div>`,
  )}</dl>
</section>`
}

/** The reason and its remedy are among the warnings. */
function failedListener(listener: ListenerState): Html {
  const where = listener.address === '*' ? 'all addresses' : listener.address
  return html`<li data-key="${where} ${listener.port}" class="pair bad"><span class="mark" aria-hidden="true">✕</span><span>UDP ${
    listener.port
  } on ${where} failed ${listener.reason?.code !== undefined && html`<code>${listener.reason.code}</code>`}</span></li>`
}
