import type { HostConfig } from '../../config/schema.ts'
import type { Fault, Reason } from '../../core/errors.ts'
import type { ControllerFacts } from '../../ipc/host-state.ts'
import type { EngineContainer, EngineKind, EngineNetwork } from '../engine/engine.ts'
import { bridgeName } from './spec.ts'
import { type ControllerState, engineKind, ownContainer, type Stage } from './state.ts'

/** `starting` and `running` both mean that the container runs; `running` that it has been ready since its start. */
export type Lifecycle = Exclude<Stage, 'up'> | 'starting' | 'running'

/** What the reconciler tells of the controller. */
export interface ControllerSnapshot {
  readonly lifecycle: Lifecycle
  readonly reason: Reason
  readonly facts: Omit<ControllerFacts, 'version' | 'omadacId'>
  /** Path of the container's network namespace while it runs. */
  readonly sandboxKey?: string
  /** Whose commands are named in remedies. */
  readonly engine: EngineKind
  /** The container's network, as the engine has it or, while there is none, as it is wanted. */
  readonly network: ContainerNetwork
  readonly warnings: readonly Fault[]
  /** Where the engine and our container write, as far as it is known. */
  readonly storage: { readonly engineDirectory?: string; readonly mounts?: EngineContainer['mounts'] }
}

/** The network of a container that runs or is about to. */
export interface ContainerNetwork {
  /** IPv4, in CIDR notation. */
  readonly subnet: string
  /** Its interface on this machine. */
  readonly bridge: string
}

/** @param found what the engine has */
export function containerNetwork({ network }: HostConfig, found: EngineNetwork | undefined): ContainerNetwork {
  return { subnet: found?.subnet ?? network.subnet, bridge: found?.bridge ?? bridgeName(network.name) }
}

/** What is told of the controller while the record is `state`; `standing` are faults that this machine just has. Pure. */
export function snapshotOf(
  state: ControllerState,
  config: HostConfig,
  standing: readonly Fault[] = [],
): ControllerSnapshot {
  const container = ownContainer(state)
  const digest = state.seen?.digest
  const pull = state.pulls.findLast(({ progress }) => progress !== undefined)?.progress
  const pullFault = state.pulls.findLast(({ fault }) => fault !== undefined)?.fault
  return {
    lifecycle: state.stage === 'up' ? (state.wasReady ? 'running' : 'starting') : state.stage,
    reason: (state.stage === 'pulling' ? pullFault : undefined) ?? state.reason,
    facts: {
      image: config.controller.image,
      ...(digest === undefined ? {} : { digest }),
      ...(container === undefined ? {} : { containerId: container.id }),
      address: container?.address ?? config.network.controllerAddress,
      ...(container?.startedAt === undefined ? {} : { startedAt: container.startedAt }),
      ...(pull === undefined ? {} : { pull }),
    },
    ...(container?.sandboxKey === undefined ? {} : { sandboxKey: container.sandboxKey }),
    engine: engineKind(state),
    network: containerNetwork(config, state.seen?.network),
    warnings: [
      ...state.faults,
      // It keeps its memory and its connections: what runs is left as it is.
      ...(state.stage === 'up' && container?.status === 'paused' ? [pausedWarning(container)] : []),
      ...[state.logWarning, state.replaced, state.outdated, state.recordFault].filter((fault) => fault !== undefined),
      ...standing,
      ...(state.record?.killed === undefined ? [] : [{ code: 'CONTROLLER_KILLED' as const, ...state.record.killed }]),
    ],
    storage: {
      ...(state.engine === undefined ? {} : { engineDirectory: state.engine.storageDirectory }),
      ...(container === undefined ? {} : { mounts: container.mounts }),
    },
  }
}

function pausedWarning({ id }: EngineContainer): Fault {
  return {
    code: 'CONTAINER_PAUSED',
    message: 'the container is paused',
    remedy: `podman unpause ${id.slice(0, 12)} (with Docker: docker unpause …)`,
  }
}
