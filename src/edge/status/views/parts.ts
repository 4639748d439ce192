import type { Reason } from '../../../core/errors.ts'
import { ago, dateTime, lasting, sentence } from '../../../core/format.ts'
import { type Html, type HtmlValue, html } from '../../../core/html.ts'

/** A reason with what fixes it and its stable code. */
export function reasonView(reason: Reason): Html {
  return html`<span class="message">${sentence(reason.message)}</span>${remedyView(reason)}`
}

/** What fixes it. Nothing when nobody needs to act. */
export function remedyView(reason: Reason): Html | undefined {
  if (reason.remedy === undefined || reason.remedy === '') return undefined
  return html`<span class="remedy"><b>What to do:</b> ${reason.remedy}${
    reason.code !== undefined && html` <code>${reason.code}</code>`
  }</span>`
}

/** How long ago something was, with the time itself as the title. `now` is in milliseconds since 1970. */
export function agoView(now: number, iso: string): Html {
  return timed(iso, ago(now, iso))
}

/** How long something has been so, with the time of its beginning as the title. */
export function lastingView(now: number, iso: string): Html {
  return timed(iso, lasting(now, iso))
}

/** A part of the page below its heading, which says so when it has no content. */
export function card(id: string, title: HtmlValue, content: Html | false, empty: string): Html {
  return html`<section id="${id}" class="card" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>${content || html`<p class="empty">${empty}</p>`}</section>`
}

/** How a state is shown: `tone` colours it, `mark` says the same without colour. */
export interface Look {
  readonly mark: string
  readonly tone: 'good' | 'busy' | 'bad' | 'idle'
}

/** A state in words, with its mark, and below it the reason for it. */
export function stateView({ mark, tone }: Look, words: string, reason: Reason | undefined): Html {
  return html`<span class="pair ${tone}"><span class="mark" aria-hidden="true">${mark}</span>${words}</span>${
    reason !== undefined && html`<small class="hint">${reasonView(reason)}</small>`
  }`
}

function timed(iso: string, text: string): Html {
  if (Number.isNaN(Date.parse(iso))) return html`${text}`
  return html`<time datetime="${iso}" title="${dateTime(iso)}">${text}</time>`
}

/** A table with more rows than this scrolls inside its own box. */
const longAfter = 20

export interface Column<T> {
  readonly label: string
  /** `figure` is right-aligned; neither is broken into lines. */
  readonly kind?: 'figure' | 'brief'
  readonly cell: (row: T) => HtmlValue
}

/**
 * A table that becomes a list of cards on a narrow screen, where the style sheet repeats the label of each cell. The first
 * column heads its row. `key` tells a row from the others over updates.
 */
export function table<T>(options: {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  key: (row: T) => string
}): Html {
  const { label, columns, rows, key } = options
  return html`<div class="scroll${rows.length > longAfter && ' long'}" role="region" aria-label="${label}" tabindex="0"><table>
<thead><tr>${columns.map((column) => html`<th scope="col" class="${column.kind}">${column.label}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr data-key="${key(row)}">${columns.map((column, index) =>
        index === 0
          ? html`<th scope="row" class="${column.kind}">${column.cell(row)}</th>`
          : html`<td class="${column.kind}" data-label="${column.label}">${column.cell(row)}</td>`,
      )}</tr>`,
  )}</tbody>
</table></div>`
}
