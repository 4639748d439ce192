import type { HostConfig } from '../../config/schema.ts'
import type { ControllerFacts, PullProgress, Reason } from '../../ipc/host-state.ts'
import type { EngineContainer, EngineInfo } from '../engine/engine.ts'

/** `starting` and `running` both mean that the container runs; `running` that it has been ready since its start. */
export type Lifecycle = 'pulling' | 'creating' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** What the reconciler tells of the controller. */
export interface ControllerSnapshot {
  readonly lifecycle: Lifecycle
  readonly reason: Reason
  readonly facts: Omit<ControllerFacts, 'version' | 'omadacId'>
  /** Path of the container's network namespace while it runs. */
  readonly sandboxKey?: string
  readonly warnings: readonly Reason[]
  /** Where the engine and our container write, as far as it is known. */
  readonly storage: { readonly engineDirectory?: string; readonly mounts?: EngineContainer['mounts'] }
}

/** Puts a snapshot together. `container` is ours; `digest` is of the image that it runs, or will. */
export function controllerSnapshot(parts: {
  config: HostConfig
  lifecycle: Lifecycle
  reason: Reason
  container: EngineContainer | undefined
  digest: string | undefined
  pull: PullProgress | undefined
  warnings: readonly Reason[]
  engine: Pick<EngineInfo, 'storageDirectory'> | undefined
}): ControllerSnapshot {
  const { config, container, digest, pull } = parts
  return {
    lifecycle: parts.lifecycle,
    reason: parts.reason,
    facts: {
      image: config.controller.image,
      ...(digest === undefined ? {} : { digest }),
      ...(container === undefined ? {} : { containerId: container.id }),
      address: config.network.controllerAddress,
      ...(container?.startedAt === undefined ? {} : { startedAt: container.startedAt }),
      ...(pull === undefined ? {} : { pull }),
    },
    ...(container?.sandboxKey === undefined ? {} : { sandboxKey: container.sandboxKey }),
    warnings: parts.warnings,
    storage: {
      ...(parts.engine === undefined ? {} : { engineDirectory: parts.engine.storageDirectory }),
      ...(container === undefined ? {} : { mounts: container.mounts }),
    },
  }
}
