import { hash } from 'node:crypto'
import { browserText } from '../../../core/browser-text.ts'
import { bytes, percent } from '../../../core/format.ts'
import { Html, html } from '../../../core/html.ts'
import { plainText } from '../../../core/text.ts'
import type { Phase, PullProgress } from '../../../ipc/host-state.ts'
import type { WaitingView } from '../web-upstream.ts'

/** In the page itself: while the controller is away there is nothing to load it from. */
const style = browserText(new URL('page.css', import.meta.url))

/** What a Content-Security-Policy calls the page's style sheet. */
export const styleSource = `sha256-${hash('sha256', style, 'base64')}`

const headings: Record<Phase, string> = {
  pulling: 'The controller is being downloaded',
  creating: 'The controller is being prepared',
  starting: 'The controller is starting',
  ready: 'The controller is starting',
  degraded: 'The controller has a problem',
  stopping: 'The controller is stopping',
  stopped: 'The controller is stopped',
  failed: 'The controller could not be started',
}

const steps: readonly { readonly label: string; readonly phases: readonly Phase[] }[] = [
  { label: 'Download', phases: ['pulling'] },
  { label: 'Prepare', phases: ['creating'] },
  { label: 'Start', phases: ['starting', 'ready'] },
]

/** What is shown when the controller should serve but does not accept a connection, or serves again by now. */
export const notAccepting: WaitingView = {
  phase: 'starting',
  reason: { message: 'The controller does not accept connections at the moment' },
}

/** What a visitor outside the management role may know: reasons and remedies can quote settings. */
export function guestView(view: WaitingView): WaitingView {
  return { phase: view.phase, reason: { message: 'Please try again in a few minutes' } }
}

/** How long a visitor's browser waits before it asks again, in seconds: short while something moves by itself. */
export function reloadSeconds(view: WaitingView): number {
  return view.phase === 'failed' || view.phase === 'stopped' ? 10 : 3
}

/** The whole page: nothing to load, no script, nothing of `view` or `statusPage` taken as HTML. */
export function renderPage(view: WaitingView, statusPage?: string): string {
  const { phase, reason } = view
  const seconds = reloadSeconds(view)
  const wrong = phase === 'degraded' || phase === 'failed'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="${seconds}">
<title>${headings[phase]}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main${wrong && html` class="wrong"`}>
<p class="product">Omada controller</p>
<h1>${headings[phase]}</h1>
${stepsView(phase)}${phase === 'pulling' && view.pull !== undefined && pullView(view.pull)}<p class="reason">${lines(reason.message)}</p>
${reason.remedy !== undefined && html`<p class="remedy"><strong>What to do</strong> ${lines(reason.remedy)}</p>`}
${reason.code !== undefined && html`<p class="code">${reason.code}</p>`}
<footer>
<p>This page reloads by itself every ${seconds} seconds and gives way to the controller as soon as it is ready.</p>
${statusPage !== undefined && html`<p><a href="${plainText(statusPage)}">Status of this appliance</a></p>`}
</footer>
</main>
</body>
</html>
`.text
}

function stepsView(phase: Phase): Html | undefined {
  const at = steps.findIndex((step) => step.phases.includes(phase))
  if (at === -1) return undefined
  return html`<ol aria-label="Steps">${steps.map(({ label }, index) => {
    if (index < at) return html`<li class="done">${label}</li>`
    return index === at ? html`<li aria-current="step">${label}</li>` : html`<li>${label}</li>`
  })}</ol>
`
}

function pullView(pull: PullProgress): Html {
  const share = percent(pull)
  const image = html`<p class="image">${plainText(pull.image)}${pull.attempt > 1 && `, attempt ${pull.attempt}`}</p>
`
  if (share === undefined) {
    return html`<progress aria-label="Download"></progress>
<p class="figures">${bytes(pull.current)} so far</p>
${image}`
  }
  const done = bytes(Math.min(pull.current, pull.total))
  return html`<progress aria-label="Download" max="100" value="${share}">${share} %</progress>
<p class="figures"><span>${done} of ${bytes(pull.total)}</span> <span>${share} %</span></p>
${image}`
}

/** What several faults say is several lines. */
function lines(text: string): string {
  return text
    .split('\n', 20)
    .map((line) => plainText(line))
    .join('\n')
}
