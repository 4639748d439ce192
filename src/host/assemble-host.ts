import { isDeepStrictEqual } from 'node:util'
import {
  type Condition,
  type ControllerFacts,
  type HistoryEntry,
  type HostState,
  type ImageCheck,
  type PortHolder,
  type Reason,
  stateVersion,
} from '../ipc/host-state.ts'
import { type ControllerView, derivePhase, type HealthView } from '../ipc/phase.ts'

/** Everything that the host's half of the state is made of, as the parts of the host know it now. */
export interface HostParts {
  readonly controller: ControllerView & {
    readonly facts: Omit<ControllerFacts, 'version' | 'omadacId'>
    readonly warnings: readonly Reason[]
  }
  readonly health: HealthView & {
    readonly conditions: readonly Condition[]
    readonly version?: string | undefined
    readonly omadacId?: string | undefined
  }
  readonly portHolders: readonly PortHolder[]
  readonly warnings: readonly Reason[]
  readonly images: ImageCheck | undefined
}

/** How many entries the history keeps. */
export const historyLimit = 200

/** The state of a host that has just begun. `at` is ISO 8601. */
export function initialHostState(options: { version: string; image: string; address: string; at: string }): HostState {
  return {
    stateVersion,
    phase: 'creating',
    reason: { message: 'omada-host is starting' },
    since: options.at,
    appliance: { version: options.version, startedAt: options.at },
    controller: { image: options.image, address: options.address },
    conditions: [],
    history: [],
    portHolders: [],
    warnings: [],
  }
}

/**
 * The next state from what the parts know. `since` moves and the history grows only with the phase. Returns `previous`
 * itself when nothing changed, so that nobody is told of nothing.
 */
export function assembleHostState(previous: HostState, parts: HostParts, at: string): HostState {
  const { phase, reason } = derivePhase(parts.controller, parts.health)
  const running = parts.controller.lifecycle === 'running' || parts.controller.lifecycle === 'starting'
  const { version, omadacId } = parts.health
  const next: HostState = {
    ...previous,
    phase,
    reason,
    since: phase === previous.phase ? previous.since : at,
    controller: {
      ...parts.controller.facts,
      ...(version === undefined ? {} : { version }),
      ...(omadacId === undefined ? {} : { omadacId }),
    },
    conditions: running ? parts.health.conditions : [],
    portHolders: parts.portHolders,
    warnings: [...parts.warnings, ...parts.controller.warnings],
    ...(parts.images === undefined ? {} : { images: parts.images }),
  }
  if (phase !== previous.phase) {
    return addHistory(next, { at, subject: 'phase', from: previous.phase, to: phase, message: reason.message })
  }
  return isDeepStrictEqual(next, previous) ? previous : next
}

/** The state with one more entry, the oldest given up beyond `historyLimit`. */
export function addHistory(state: HostState, entry: HistoryEntry): HostState {
  return { ...state, history: [...state.history, entry].slice(-historyLimit) }
}
