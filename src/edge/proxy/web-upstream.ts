import type { Reason } from '../../core/errors.ts'
import type { HostState, Phase, PullProgress } from '../../ipc/host-state.ts'

/** What the waiting room shows. */
export interface WaitingView {
  readonly phase: Phase
  readonly reason: Reason
  readonly pull?: PullProgress
}

/** Where a new connection to a web port goes. */
export type Upstream = { readonly kind: 'forward' } | { readonly kind: 'wait'; readonly view: WaitingView }

/** How long after its start the edge waits to hear from the host before it forwards without knowing. */
const firstWordMilliseconds = 10_000

/** Phases with a container that runs, and may have become ready since. */
const running: ReadonlySet<Phase> = new Set(['starting', 'ready', 'degraded'])

/**
 * Decides by the controller's phase. A host that died leaves a controller that may well work: when it ran at the host's
 * last word it is tried, else that word stands; an edge that never heard one forwards once the host had time to speak.
 */
export function decideWebUpstream(known: {
  /** What the host said last. */
  readonly state: HostState | undefined
  /** Whether the host still answers. */
  readonly current: boolean
  readonly edgeAgeMilliseconds: number
}): Upstream {
  const { state } = known
  if (state === undefined) {
    if (known.edgeAgeMilliseconds > firstWordMilliseconds) return { kind: 'forward' }
    return { kind: 'wait', view: { phase: 'starting', reason: { message: 'omada-host is starting' } } }
  }
  if (state.phase === 'ready' || (!known.current && running.has(state.phase))) return { kind: 'forward' }
  const { pull } = state.controller
  return {
    kind: 'wait',
    view: { phase: state.phase, reason: state.reason, ...(pull === undefined ? {} : { pull }) },
  }
}
