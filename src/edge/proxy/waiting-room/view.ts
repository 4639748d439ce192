import type { WaitingView } from '../web-upstream.ts'

/** What is shown when the controller should serve but does not accept a connection, or serves again by now. */
export const notAccepting: WaitingView = {
  phase: 'starting',
  reason: { message: 'The controller does not accept connections at the moment' },
}

/** What a visitor outside the management role may know: reasons and remedies can quote logs and settings. */
export function guestView(view: WaitingView): WaitingView {
  return { phase: view.phase, reason: { message: 'Please try again in a few minutes' } }
}

/** How long a visitor's browser waits before it asks again, in seconds: short while something moves by itself. */
export function reloadSeconds(view: WaitingView): number {
  return view.phase === 'failed' || view.phase === 'stopped' ? 10 : 3
}

/** Whole percent of an image pull, or undefined while the registry has not told the total. */
export function pullPercent(pull: NonNullable<WaitingView['pull']>): number | undefined {
  return pull.total > 0 ? Math.floor((100 * Math.min(pull.current, pull.total)) / pull.total) : undefined
}
