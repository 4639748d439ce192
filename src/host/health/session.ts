import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { ProbedName } from './condition-table.ts'
import { Conditions } from './conditions.ts'
import type { ProbePorts } from './controller-probes.ts'
import { controllerProbes } from './controller-probes.ts'
import { inNetworkNamespace, ProbeProcess } from './probe-process.ts'
import { type ProbeResult, ProbeSchedule } from './schedule.ts'

/** The running container that is to be looked at. `sandboxKey` is the path of its network namespace. */
export interface ProbeTarget {
  readonly containerId: string
  readonly address: string
  readonly sandboxKey?: string
}

/** Every second while the controller starts. */
const startingMilliseconds = 1000

/** The looking at one target, from its appearance to its end: its own conditions, schedule and probe children. */
export class ProbeSession {
  readonly conditions: Conditions
  readonly #schedule: ProbeSchedule<ProbedName>
  readonly #processes: readonly ProbeProcess[]

  /**
   * `enterNamespace` makes the command that runs another one in the namespace at a path. `everReady` decides on the
   * pace. `report` is called with each result and not any more after `close`.
   */
  constructor(options: {
    config: HostConfig
    live: () => LiveConfig
    logger: Logger
    clock: Clock
    warnings: WarningSource
    target: ProbeTarget
    ports: ProbePorts
    probeCommand: readonly string[]
    enterNamespace?: typeof inNetworkNamespace
    everReady: () => boolean
    report: (name: ProbedName, result: ProbeResult) => void
  }) {
    const { config, live, logger, clock, warnings, target, ports, probeCommand } = options
    const enter = options.enterNamespace ?? inNetworkNamespace
    const onWritable = () => this.#schedule.wake('database')
    const external = config.mongo.uri
    // What only the host's own namespace reaches is asked from there; all else from inside the container's.
    const inside =
      target.sandboxKey === undefined
        ? undefined
        : new ProbeProcess({
            logger,
            clock,
            command: enter(target.sandboxKey, probeCommand),
            onWritable,
            ...(external === undefined
              ? { databaseUri: `mongodb://127.0.0.1:${ports.database}/?directConnection=true` }
              : {}),
          })
    const outside =
      external === undefined
        ? undefined
        : new ProbeProcess({ logger, clock, command: probeCommand, databaseUri: external, onWritable })
    this.#processes = [inside, outside].filter((process) => process !== undefined)
    this.conditions = new Conditions({ clock, warnings, threshold: () => live().health.failureThreshold })
    this.#schedule = new ProbeSchedule<ProbedName>({
      clock,
      report: options.report,
      probes: controllerProbes({
        target,
        ports,
        inside,
        database: external === undefined ? inside : outside,
        intervalMilliseconds: () => (options.everReady() ? live().health.intervalSeconds * 1000 : startingMilliseconds),
      }),
    })
  }

  start(): void {
    for (const process of this.#processes) process.start()
    this.#schedule.start()
  }

  /** See `ProbeSchedule.dueBy`. */
  dueBy(): number {
    return this.#schedule.dueBy()
  }

  /** Looks at everything now. */
  wake(): void {
    this.#schedule.wake()
  }

  async close(): Promise<void> {
    await this.#schedule.stop()
    await Promise.all(this.#processes.map((process) => process.stop()))
  }
}
