import { once } from 'node:events'
import { withDeadline } from '../core/deadline.ts'
import { ApplianceError } from '../core/errors.ts'
import { dropPrivileges } from '../core/privileges.ts'
import type { EdgePart, Handover, ParentChannel } from '../ipc/handover.ts'

/** Longest wait for the parent's first message, in milliseconds. */
const handoverDeadline = 10_000

/**
 * The edge as the child of `omada-host run`: the parent reads what only root may read and hands it over, and the child
 * then becomes an ordinary user for good. Call it when every module is loaded: that user may not be able to read them.
 */
export async function startByHandover(parent: ParentChannel | undefined, signal: AbortSignal): Promise<EdgePart> {
  if (parent === undefined) {
    throw new ApplianceError({
      code: 'USAGE',
      message: '--handover is for omada-host run, which starts the edge with a channel to talk over',
      remedy: 'omada-host edge, without --handover',
    })
  }
  const received = new EventTarget()
  let message: unknown
  parent.onMessage((first) => {
    message ??= first
    received.dispatchEvent(new Event('message'))
  })
  await once(received, 'message', { signal: withDeadline(handoverDeadline, signal) })
  // The parent is this same program, so its message is what it says; a schema would cost memory for nothing.
  const { user, ...part } = message as Handover
  dropPrivileges(user)
  return part
}
