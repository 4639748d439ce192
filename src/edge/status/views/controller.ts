import { dateTime, sentence } from '../../../core/format.ts'
import { type Html, type HtmlValue, html } from '../../../core/html.ts'
import type { ImageCheck } from '../../../ipc/host-state.ts'
import type { ApplianceStatus } from '../merge.ts'
import { agoView, card } from './parts.ts'

/** What is known of the container and the controller in it. */
export function controllerView(status: ApplianceStatus, now: number): Html {
  const { controller, appliance, images } = status
  const facts: readonly (readonly [string, HtmlValue])[] = [
    ['Controller version', controller.version],
    ['Controller id', controller.omadacId !== undefined && html`<code>${controller.omadacId}</code>`],
    ['Image', controller.image !== undefined && html`<code>${controller.image}</code>`],
    ['Image digest', controller.digest !== undefined && short(controller.digest)],
    ['Newer image', images !== undefined && newerImage(images, now)],
    ['Container', controller.containerId !== undefined && short(controller.containerId)],
    ['Container address', controller.address],
    ['Container started', controller.startedAt !== undefined && agoView(now, controller.startedAt)],
    ['omada-host version', appliance.version],
    ['omada-host started', appliance.startedAt !== undefined && agoView(now, appliance.startedAt)],
  ]
  const known = facts.filter(([, value]) => value !== undefined && value !== false)
  const list = known.map(([name, value]) => html`<div data-key="${name}"><dt>${name}</dt><dd>${value}</dd></div>`)
  return card('controller', 'Controller', list.length > 0 && html`<dl>${list}</dl>`, 'Nothing is known yet.')
}

/** The first twelve digits of a digest or id, as container engines show them; the whole as title. */
function short(id: string): Html {
  return html`<code title="${id}">${id.replace(/^sha256:/, '').slice(0, 12)}</code>`
}

function newerImage(images: ImageCheck, now: number): Html {
  const found = [...images.newerTags, ...(images.newDigest === undefined ? [] : ['this tag has been rebuilt'])]
  const checked = html`<small title="${dateTime(images.checkedAt)}">checked ${agoView(now, images.checkedAt)}</small>`
  if (images.fault !== undefined) return html`${sentence(images.fault.message)} ${checked}`
  return html`${found.length === 0 ? 'none' : found.join(', ')} ${checked}`
}
