import type { Reason } from '../../../ipc/host-state.ts'
import { type Html, html } from './html.ts'

/** A reason with what fixes it and its stable code. */
export function reasonView(reason: Reason): Html {
  return html`<span class="message">${sentence(reason.message)}</span>${remedyView(reason)}`
}

/** What fixes it. Nothing when nobody needs to act. */
export function remedyView(reason: Reason): Html | undefined {
  if (reason.remedy === undefined || reason.remedy === '') return undefined
  return html`<span class="remedy"><b>What to do:</b> ${reason.remedy}${
    reason.code === undefined ? undefined : html` <code>${reason.code}</code>`
  }</span>`
}

/** Messages begin in lower case because logs put a prefix before them. */
export function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1)
}
