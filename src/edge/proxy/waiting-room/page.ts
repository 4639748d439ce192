import { createHash } from 'node:crypto'
import { escapeHtml } from '../../../core/escape-html.ts'
import type { Phase } from '../../../ipc/host-state.ts'
import type { WaitingView } from '../web-upstream.ts'
import { style } from './style.ts'
import { pullPercent, reloadSeconds } from './view.ts'

/** What a Content-Security-Policy calls the page's style sheet. */
export const styleSource = `sha256-${createHash('sha256').update(style).digest('base64')}`

/** Longer texts are cut: a reason can carry the last lines of a log. */
const maxText = 4000

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

/** The whole page: nothing to load, no script, nothing of `view` or `statusPage` taken as HTML. */
export function renderPage(view: WaitingView, statusPage?: string): string {
  const { phase, reason } = view
  const seconds = reloadSeconds(view)
  const wrong = phase === 'degraded' || phase === 'failed'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="${seconds}">
<title>${headings[phase]}</title>
<style>${style}</style>
</head>
<body>
<main${wrong ? ' class="wrong"' : ''}>
<p class="product">Omada controller</p>
<h1>${headings[phase]}</h1>
${renderSteps(phase)}${renderPull(view)}<p class="reason">${escapeText(reason.message)}</p>
${reason.remedy === undefined ? '' : `<p class="remedy"><strong>What to do</strong> ${escapeText(reason.remedy)}</p>\n`}${
  reason.code === undefined ? '' : `<p class="code">${escapeText(reason.code)}</p>\n`
}<footer>
<p>This page reloads by itself every ${seconds} seconds and gives way to the controller as soon as it is ready.</p>
${statusPage === undefined ? '' : `<p><a href="${escapeText(statusPage)}">Status of this appliance</a></p>\n`}</footer>
</main>
</body>
</html>
`
}

function renderSteps(phase: Phase): string {
  const at = steps.findIndex((step) => step.phases.includes(phase))
  if (at === -1) return ''
  const items = steps.map(({ label }, index) => {
    if (index < at) return `<li class="done">${label}</li>`
    return index === at ? `<li aria-current="step">${label}</li>` : `<li>${label}</li>`
  })
  return `<ol aria-label="Steps">${items.join('')}</ol>\n`
}

function renderPull({ phase, pull }: WaitingView): string {
  if (pull === undefined || phase !== 'pulling') return ''
  const percent = pullPercent(pull)
  const attempt = pull.attempt > 1 ? `, attempt ${pull.attempt}` : ''
  const image = `<p class="image">${escapeText(pull.image)}${attempt}</p>`
  if (percent === undefined) {
    return `<progress aria-label="Download"></progress>\n<p class="figures">${bytes(pull.current)} so far</p>\n${image}\n`
  }
  return `<progress aria-label="Download" max="100" value="${percent}">${percent} %</progress>
<p class="figures"><span>${bytes(Math.min(pull.current, pull.total))} of ${bytes(pull.total)}</span> <span>${percent} %</span></p>
${image}
`
}

/** Decimal units, one digit after the point: 1 MB is 1,000,000 bytes. */
function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`
}

/** Text for HTML, in an element or a quoted attribute: cut to a length, without control characters but line breaks. */
function escapeText(text: string): string {
  const short = text.length > maxText ? `${text.slice(0, maxText)}…` : text
  return escapeHtml(short.replace(/[^\P{Cc}\n]/gu, ''))
}
