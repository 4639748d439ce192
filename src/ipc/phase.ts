import type { Phase, Reason } from './host-state.ts'

/** What the reconciler knows: `starting` and `running` both mean that the container runs. */
export interface ControllerView {
  readonly lifecycle: 'pulling' | 'creating' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'
  readonly reason: Reason
}

/** What the probes know. `everReady`: the container that runs now has been ready before. */
export interface HealthView {
  readonly ready: boolean
  readonly everReady: boolean
  readonly reason: Reason
}

/**
 * The appliance's phase. Until the container runs the reconciler knows best; from then on the probes do, because a
 * container that runs is not yet a controller that works.
 */
export function derivePhase(controller: ControllerView, health: HealthView): { phase: Phase; reason: Reason } {
  if (controller.lifecycle !== 'running' && controller.lifecycle !== 'starting') {
    return { phase: controller.lifecycle, reason: controller.reason }
  }
  if (health.ready) return { phase: 'ready', reason: health.reason }
  return { phase: health.everReady ? 'degraded' : 'starting', reason: health.reason }
}
