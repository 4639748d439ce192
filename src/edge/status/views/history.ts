import { dateTime, sentence } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { HistoryEntry } from '../../../ipc/host-state.ts'

const shown = 20

/** The newest changes first. */
export function historyView(history: readonly HistoryEntry[]): Html {
  const entries = history.slice(-shown).reverse()
  return html`<section id="history" class="card" aria-labelledby="history-title"><h2 id="history-title">History</h2>${
    entries.length === 0
      ? html`<p class="empty">Nothing has happened yet.</p>`
      : html`<ol class="history">${entries.map(entryView)}</ol>`
  }</section>`
}

function entryView(entry: HistoryEntry): Html {
  return html`<li><time datetime="${entry.at}">${dateTime(entry.at)}</time><div><b>${entry.subject}</b> ${
    entry.from !== undefined && html`${entry.from} → `
  }${entry.to}<small>${sentence(entry.message)}</small></div></li>`
}
