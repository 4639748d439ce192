import type { Condition } from '../../state/host-state.ts'
import { ago, plural } from './format.ts'
import { type Html, html } from './html.ts'
import { remedyView, sentence } from './reason.ts'

const marks: Readonly<Record<Condition['status'], { mark: string; tone: string; word: string }>> = {
  ok: { mark: '✓', tone: 'good', word: 'OK' },
  failing: { mark: '✕', tone: 'bad', word: 'Failing' },
  unknown: { mark: '?', tone: 'idle', word: 'Not measured' },
}

/** The conditions. What fails only because something else fails is folded under its cause. */
export function healthView(conditions: readonly Condition[], now: number): Html {
  const names = new Set(conditions.map((condition) => condition.name))
  const isFolded = ({ consequenceOf }: Condition) => consequenceOf !== undefined && names.has(consequenceOf)
  const shown = conditions.filter((condition) => !isFolded(condition))
  return html`<section id="health" class="card" aria-labelledby="health-title"><h2 id="health-title">Health</h2>${
    conditions.length === 0
      ? html`<p class="empty">Nothing is measured while the controller does not run.</p>`
      : html`<ul class="conditions">${shown.map((condition) =>
          conditionView(condition, now, consequencesOf(condition.name, conditions, shown)),
        )}</ul>`
  }</section>`
}

/** Everything that follows from a cause, directly or through another consequence. */
function consequencesOf(
  cause: string,
  conditions: readonly Condition[],
  shown: readonly Condition[],
): readonly Condition[] {
  const found = new Set([cause])
  // Each round reaches one step further; there cannot be more steps than conditions.
  for (let round = 0; round < conditions.length; round++) {
    for (const { name, consequenceOf } of conditions) {
      if (consequenceOf !== undefined && found.has(consequenceOf)) found.add(name)
    }
  }
  return conditions.filter((condition) => found.has(condition.name) && !shown.includes(condition))
}

function conditionView(condition: Condition, now: number, consequences: readonly Condition[]): Html {
  const { mark, tone, word } = marks[condition.status]
  return html`<li data-key="${condition.name}" class="condition ${tone}"><span class="mark" aria-hidden="true">${mark}</span>
<div><p><b>${condition.name}</b> <span class="state">${word}</span> <span class="since">since ${ago(now, condition.since)}</span></p>
<p>${sentence(condition.reason.message)}${condition.detail !== undefined && html` <span class="detail">${condition.detail}</span>`}</p>
${condition.status !== 'ok' && remedyView(condition.reason)}${
  consequences.length > 0 &&
  html`<details><summary>${plural(consequences.length, 'consequence')}</summary>
<ul class="conditions">${consequences.map((consequence) => conditionView(consequence, now, []))}</ul></details>`
}</div></li>`
}
