import { hash } from 'node:crypto'
import { Html, html } from '../../../core/html.ts'
import type { Device } from '../../../ipc/edge-state.ts'
import type { ApplianceStatus } from '../merge.ts'
import { script, style } from '../policy.ts'
import { controllerView } from './controller.ts'
import { devicesView } from './devices.ts'
import { discoveryView } from './discovery.ts'
import { healthView, historyView } from './health.ts'
import { phaseTitle, phaseView, warningsView } from './phase.ts'
import { portsView } from './ports.ts'

/** Tells the pages of one version of the program from another's. */
const build = hash('sha256', script + style, 'base64').slice(0, 12)

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b57d0'/%3E%3Ccircle cx='8' cy='8' r='3.5' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"

const sections = [
  ['health', 'Health'],
  ['devices', 'Devices'],
  ['ports', 'Ports'],
  ['discovery', 'Discovery'],
  ['history', 'History'],
] as const

/** The part of the page that changes. `now` is in milliseconds since 1970. */
export function mainView(status: ApplianceStatus, devices: readonly Device[], now: number): Html {
  return html`<main id="main">${[
    phaseView(status, now),
    warningsView(status.warnings, now),
    healthView(status.conditions, now),
    controllerView(status, now),
    devicesView(devices, now),
    portsView(status.proxy.ports),
    discoveryView(status.discovery),
    historyView(status.history),
  ]}</main>`
}

/** The whole page. `controllerUrl` is where the browser reaches the controller's own interface. */
export function pageView(options: { main: Html; status: ApplianceStatus; controllerUrl: string }): string {
  const { main, status, controllerUrl } = options
  return html`<!doctype html>
<html lang="en" data-build="${build}">
<head>
<meta charset="utf-8">
<title>${phaseTitle(status.phase)} – omada-host</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<noscript><meta http-equiv="refresh" content="10"></noscript>
<link rel="icon" href="${icon}">
<style>${new Html(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p>omada-host</p>
<nav aria-label="Sections"><ul>${sections.map(([id, label]) => html`<li><a href="#${id}">${label}</a></li>`)}</ul></nav>
<span id="live" class="live" role="status"></span>
<a class="open" href="${controllerUrl}" rel="noreferrer">Open the controller</a>
</header>
${main}
<script type="module">${new Html(script)}</script>
</body>
</html>
`.text
}
