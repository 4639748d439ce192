import type { HostConfig, LiveConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { WarningSource } from '../../core/warnings.ts'
import { databaseHosts } from '../../omada/database-uri.ts'
import type { ProbedName } from './condition-table.ts'
import { Conditions } from './conditions.ts'
import { controllerProbePorts, controllerProbes, type ProbePorts } from './controller-probes.ts'
import { inNetworkNamespace, ProbeProcess } from './probe-process.ts'
import { type ProbeResult, ProbeSchedule } from './schedule.ts'

/** The running container that is to be looked at. `sandboxKey` is the path of its network namespace. */
export interface ProbeTarget {
  readonly containerId: string
  readonly address: string
  readonly sandboxKey?: string
}

/** What looking at a container needs, whichever it is. */
export interface ProbingOptions {
  readonly config: HostConfig
  readonly live: () => LiveConfig
  readonly logger: Logger
  readonly clock: Clock
  /** The command that runs this program's probe child, such as [node, main.js, 'probe']. */
  readonly probeCommand: readonly string[]
  /** The controller's own, unless others are put in their place. */
  readonly ports?: ProbePorts
  /** nsenter(1) unless something else is put in its place. */
  readonly enterNamespace?: typeof inNetworkNamespace
}

/** Every second while the controller starts. */
const startingMilliseconds = 1000

/** The looking at one target, from its appearance to its end: its own conditions, schedule and probe children. */
export class ProbeSession {
  readonly conditions: Conditions
  readonly schedule: ProbeSchedule<ProbedName>
  readonly #processes: readonly ProbeProcess[]

  /** `everReady` decides on the pace. `report` is called with each result and not any more after `close`. */
  constructor(
    options: ProbingOptions & {
      readonly warnings: WarningSource
      readonly target: ProbeTarget
      readonly everReady: () => boolean
      readonly report: (name: ProbedName, result: ProbeResult) => void
    },
  ) {
    const { config, live, clock, warnings, report, probeCommand } = options
    const { ports = controllerProbePorts, enterNamespace = inNetworkNamespace } = options
    const { address, sandboxKey } = options.target
    let refused = false
    const child = (command: readonly string[], databaseUri: string | undefined) => {
      // A server that refuses the login is writable all the same.
      const onWritable = () => {
        if (!refused) this.schedule.wake('database')
      }
      return new ProbeProcess({ ...options, command, onWritable, databaseUri })
    }
    // What only the host's own namespace reaches is asked from there; all else from inside the container's.
    const external = config.mongo.uri
    const embedded = `mongodb://127.0.0.1:${ports.database}/?directConnection=true`
    const inside =
      sandboxKey === undefined
        ? undefined
        : child(enterNamespace(sandboxKey, probeCommand), external === undefined ? embedded : undefined)
    const database = external === undefined ? inside : child(probeCommand, external)
    this.#processes = [...new Set([inside, database])].filter((process) => process !== undefined)
    this.conditions = new Conditions({ clock, warnings, threshold: () => live().health.failureThreshold })
    this.schedule = new ProbeSchedule<ProbedName>({
      clock,
      report: (name, result) => {
        if (name === 'database') refused = !result.ok && result.certain === true
        report(name, result)
      },
      probes: controllerProbes({
        address,
        ports,
        inside,
        database,
        externalHosts: external === undefined ? undefined : databaseHosts(external),
        intervalMilliseconds: () => (options.everReady() ? live().health.intervalSeconds * 1000 : startingMilliseconds),
      }),
    })
  }

  start(): void {
    for (const process of this.#processes) process.start()
    this.schedule.start()
  }

  async close(): Promise<void> {
    await this.schedule.stop()
    await Promise.all(this.#processes.map((process) => process.stop()))
  }
}
