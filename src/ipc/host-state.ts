import type { Fault, Reason } from '../core/errors.ts'
import type { HistoryEntry, Warning } from '../core/warning-kinds.ts'
import type { PortHolder } from '../linux/port-holders.ts'

/** Raised when a reader of an older version could misread the state; a reader treats another version as unknown. */
export const stateVersion = 1

export type Phase = 'pulling' | 'creating' | 'starting' | 'ready' | 'degraded' | 'stopping' | 'stopped' | 'failed'

/** Progress of one layer of an image pull, in bytes. `total` is 0 until the registry told it. */
export interface PullLayer {
  readonly id: string
  readonly current: number
  readonly total: number
  readonly done: boolean
}

/** Progress of an image pull, in bytes over all layers known so far. */
export interface PullProgress {
  readonly image: string
  readonly current: number
  readonly total: number
  readonly layers: readonly PullLayer[]
  /** 1 for the first try. */
  readonly attempt: number
}

/** The container as the reconciler observes it. Times are ISO 8601. */
export interface ControllerFacts {
  readonly image: string
  readonly digest?: string
  /** The controller's own version and id, from its info API. */
  readonly version?: string
  readonly omadacId?: string
  readonly containerId?: string
  /** The IPv4 address on its bridge of the container that runs; of none, the one that it will get. */
  readonly address: string
  readonly startedAt?: string
  readonly pull?: PullProgress
}

/**
 * One thing that must hold for the controller to work. `unknown`: not measured yet. `consequence` names the condition
 * that is this one's cause while that is down: a page shows the cause, not the consequence.
 */
export interface Condition {
  readonly name: string
  readonly status: 'ok' | 'failing' | 'unknown'
  readonly reason: Reason
  readonly since: string
  readonly consequenceOf?: string
  /** What was measured, for people: round-trip time, server version. */
  readonly detail?: string
}

/** What the scheduled image check found. */
export interface ImageCheck {
  readonly checkedAt: string
  readonly newDigest?: string
  readonly newerTags: readonly string[]
  readonly fault?: Fault
}

/** The host's half of the appliance's state, as published on its socket. */
export interface HostState {
  readonly stateVersion: typeof stateVersion
  readonly phase: Phase
  readonly reason: Reason
  readonly since: string
  readonly appliance: { readonly version: string; readonly startedAt: string }
  readonly controller: ControllerFacts
  readonly conditions: readonly Condition[]
  /** Newest last, bounded. */
  readonly history: readonly HistoryEntry[]
  /** The processes of this machine that listen on the appliance's ports. */
  readonly portHolders: readonly PortHolder[]
  /** Things a user should know that keep nothing from working, such as `latest` being v5. */
  readonly warnings: readonly Warning[]
  readonly images?: ImageCheck
}
