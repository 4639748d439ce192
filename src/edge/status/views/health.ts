import { dateTime, plural, sentence } from '../../../core/format.ts'
import { type Html, html } from '../../../core/html.ts'
import type { HistoryEntry } from '../../../core/warning-kinds.ts'
import type { Condition } from '../../../ipc/host-state.ts'
import { card, type Look, lastingView, remedyView } from './parts.ts'

const marks: Readonly<Record<Condition['status'], Look & { word: string }>> = {
  ok: { mark: '✓', tone: 'good', word: 'OK' },
  failing: { mark: '✕', tone: 'bad', word: 'Failing' },
  unknown: { mark: '?', tone: 'idle', word: 'Not measured' },
}

/** The conditions. What fails only because something else fails is folded under its cause. */
export function healthView(conditions: readonly Condition[], now: number): Html {
  const groups = groupByCause(conditions)
  const list = groups.map(([cause, consequences]) => conditionView(cause, now, consequences))
  const content = list.length > 0 && html`<ul class="conditions">${list}</ul>`
  return card('health', 'Health', content, 'Nothing is measured while the controller does not run.')
}

/** Each condition is once in it: with the cause at the root of it, or as one. */
function groupByCause(
  conditions: readonly Condition[],
): readonly (readonly [cause: Condition, consequences: readonly Condition[]])[] {
  const byName = new Map(conditions.map((condition) => [condition.name, condition]))
  const groups = Map.groupBy(conditions, (condition) => rootOf(condition, byName))
  return [...groups].map(([cause, group]) => [cause, group.filter((condition) => condition !== cause)])
}

/** Follows the causes to the last that is known; a condition in a circle of causes is its own root. */
function rootOf(condition: Condition, byName: ReadonlyMap<string, Condition>): Condition {
  let root = condition
  const passed = new Set([condition])
  while (root.consequenceOf !== undefined) {
    const cause = byName.get(root.consequenceOf)
    if (cause === undefined) return root
    if (passed.has(cause)) return condition
    passed.add(cause)
    root = cause
  }
  return root
}

function conditionView(condition: Condition, now: number, consequences: readonly Condition[]): Html {
  const { mark, tone, word } = marks[condition.status]
  return html`<li data-key="${condition.name}" class="condition ${tone}"><span class="mark" aria-hidden="true">${mark}</span>
<div><p><b>${condition.name}</b> <span class="state">${word}</span> <span class="since">for ${lastingView(now, condition.since)}</span></p>
<p>${sentence(condition.reason.message)}${condition.detail !== undefined && html` <span class="detail">${condition.detail}</span>`}</p>
${condition.status !== 'ok' && remedyView(condition.reason)}${
  consequences.length > 0 &&
  html`<details><summary>${plural(consequences.length, 'consequence')}</summary>
<ul class="conditions">${consequences.map((consequence) => conditionView(consequence, now, []))}</ul></details>`
}</div></li>`
}

/** Entries of the history; the API has them all. */
const shownEntries = 20

/** The newest changes first. */
export function historyView(history: readonly HistoryEntry[]): Html {
  const entries = history.slice(-shownEntries).reverse()
  const content = entries.length > 0 && html`<ol class="history">${entries.map(entryView)}</ol>`
  return card('history', 'History', content, 'Nothing has happened yet.')
}

function entryView(entry: HistoryEntry): Html {
  return html`<li><time datetime="${entry.at}">${dateTime(entry.at)}</time><div><b>${entry.subject}</b> ${
    entry.from !== undefined && html`${entry.from} → `
  }${entry.to}<small>${sentence(entry.message)}</small></div></li>`
}
