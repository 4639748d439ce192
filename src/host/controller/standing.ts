import type { HostConfig } from '../../config/schema.ts'
import type { Reason } from '../../ipc/host-state.ts'
import type { EngineContainer, EngineInfo } from '../engine/engine.ts'
import type { Observation } from './observe.ts'
import { isOurs, isRunning } from './plan.ts'
import type { Puller } from './puller.ts'
import { type ControllerSnapshot, controllerSnapshot, type Lifecycle } from './snapshot.ts'

/** How things stand with the controller, as last seen, and what is told of it. */
export class Standing {
  readonly #onChange: () => void
  #seen: Observation | undefined
  #engine: EngineInfo | undefined
  #lifecycle: Lifecycle = 'creating'
  #reason: Reason = { message: 'looking for the container engine' }
  #warnings: readonly Reason[] = []

  constructor(options: { onChange: () => void }) {
    this.#onChange = options.onChange
  }

  get lifecycle(): Lifecycle {
    return this.#lifecycle
  }

  /** Our container, as last seen. */
  get container(): EngineContainer | undefined {
    const container = this.#seen?.container
    return container !== undefined && isOurs(container) ? container : undefined
  }

  get runs(): boolean {
    return isRunning(this.container)
  }

  /** Whether it was last seen with a process that runs no more. */
  vanished(processRuns: (pid: number) => boolean): boolean {
    const pid = this.container?.pid
    return this.runs && pid !== undefined && !processRuns(pid)
  }

  /** The engine as it said of itself last; remembered while it is away. */
  knows(engine: EngineInfo): EngineInfo {
    this.#engine = engine
    return engine
  }

  saw(observation: Observation): void {
    this.#seen = observation
  }

  show(lifecycle: Lifecycle, reason: Reason, warnings: readonly Reason[] = []): void {
    this.#lifecycle = lifecycle
    this.#reason = reason
    this.#warnings = warnings
    this.#onChange()
  }

  /** `ready`: it has been ready since its start. What is not as configured is a warning: what runs is left running. */
  showRunning(ready: boolean, warnings: readonly Reason[] = []): void {
    const { container } = this
    const paused = container?.status === 'paused'
    const warning: Reason = {
      code: 'CONTAINER_PAUSED',
      message: 'the container is paused',
      remedy: `podman unpause ${container?.id.slice(0, 12)} (with Docker: docker unpause …)`,
    }
    this.show(ready ? 'running' : 'starting', { message: 'the container runs' }, [
      ...warnings,
      ...(paused ? [warning] : []),
    ])
  }

  snapshot(parts: { config: HostConfig; puller: Puller; warning: Reason | undefined }): ControllerSnapshot {
    const { config, puller, warning } = parts
    return controllerSnapshot({
      config,
      lifecycle: this.#lifecycle,
      reason: (this.#lifecycle === 'pulling' ? puller.fault : undefined) ?? this.#reason,
      container: this.container,
      digest: this.#seen?.digest,
      pull: puller.progress,
      engine: this.#engine,
      warnings: warning === undefined ? this.#warnings : [...this.#warnings, warning],
    })
  }
}
