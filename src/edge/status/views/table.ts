import { type Html, type HtmlValue, html } from './html.ts'

/** A table with more rows than this scrolls inside its own box. */
const longAfter = 20

export interface Column<T> {
  readonly label: string
  /** `figure` is right-aligned; neither is broken into lines. */
  readonly kind?: 'figure' | 'brief'
  readonly cell: (row: T) => HtmlValue
}

/**
 * A table that becomes a list of cards on a narrow screen (see style.ts: the label of each cell is repeated there). The
 * first column heads its row. `key` tells a row from the others over updates.
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
