import type { Chosen } from '../../config/chosen.ts'
import type { KeptDefaults } from '../../config/kept-defaults.ts'
import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine } from '../engine/engine.ts'
import type { MachineFacts } from './machine.ts'
import type { Puller } from './puller.ts'
import type { ApplianceRecord } from './record.ts'
import type { ContainerNetwork } from './snapshot.ts'
import type { ControllerEvent, ControllerState } from './state.ts'

/** What steps are carried out with. */
export interface StepContext {
  readonly engine: Engine
  readonly config: HostConfig
  readonly live: () => LiveConfig
  /** What the user chose of what the container is made of. */
  readonly chosen: Chosen
  /** What stands in `config` for what the user left open. */
  readonly defaults: KeptDefaults
  readonly logger: Logger
  readonly clock: Clock
  readonly machine: MachineFacts
  /** Pulls with progress; turns are taken with the user's own pulls. */
  readonly puller: Puller
  /** The record as it is now: a request may change it at any time. */
  readonly state: () => ControllerState
  /** Changes the record. */
  readonly dispatch: (event: ControllerEvent) => void
  /** Changes what is remembered, here and in its file; never rejects. */
  readonly remember: (change: (record: ApplianceRecord) => ApplianceRecord) => Promise<void>
  /** A sign of life of work that takes long. */
  readonly alive: () => void
  /**
   * Called before a container starts: resolves when what keeps the network from it stands.
   * @throws ApplianceError why it must not start
   */
  readonly guard: (network: ContainerNetwork, signal: AbortSignal) => Promise<void>
}
