import { stat } from 'node:fs/promises'
import { adoptConfig } from './config/adopt.ts'
import type { Config } from './config/schema.ts'
import type { Clock } from './core/clock.ts'
import type { Component } from './core/component.ts'
import type { Logger, LogLevel } from './core/logger.ts'
import { Periodic } from './core/periodic.ts'
import { needsRestart } from './pending-restart.ts'
import { readHandover } from './state/handover.ts'
import type { Reason } from './state/host-state.ts'

/** What the edge goes by. */
const edgeSections = ['network', 'discovery', 'access', 'proxy', 'status', 'log'] as const

/** How often the handed-over file is looked at, in milliseconds. */
const lookEvery = 1000

/**
 * Follows what the host hands over: takes over in place, into the configuration that every component holds, what may
 * change at run time. What needs a restart of the edge stays a warning.
 */
export class EdgeChanges {
  readonly #options: {
    running: Config
    path: string
    logger: Logger
    clock: Clock
    setLogLevel: (level: LogLevel) => void
    applied: () => void
  }
  #seen: string | undefined
  #pending: readonly string[] = []

  constructor(options: {
    running: Config
    path: string
    logger: Logger
    clock: Clock
    setLogLevel: (level: LogLevel) => void
    /** Something was taken over. */
    applied: () => void
  }) {
    this.#options = options
  }

  /** What follows the file. */
  component(): Component {
    const { logger, clock } = this.#options
    return new Periodic({
      name: 'handover',
      logger,
      clock,
      intervalMilliseconds: lookEvery,
      work: () => this.look(),
    })
  }

  warnings(): readonly Reason[] {
    return this.#pending.length === 0 ? [] : [needsRestart(this.#pending, 'omada-host-edge')]
  }

  /** Looks once. Without the file everything stays as it is: the host is being restarted. */
  async look(): Promise<void> {
    const { running, path, logger, setLogLevel, applied } = this.#options
    const facts = await stat(path).catch(() => undefined)
    if (facts === undefined) return
    const version = `${facts.ino} ${facts.mtimeMs}`
    if (version === this.#seen) return
    const part = await readHandover(path)
    this.#seen = version
    if (part === undefined) return
    const changes = adoptConfig(running, part.config, edgeSections)
    this.#pending = changes.pending
    for (const { message, remedy } of this.warnings()) logger.warn({ remedy }, message)
    if (changes.applied.length === 0) return
    setLogLevel(running.log.level)
    applied()
    logger.info(`taken over from the changed configuration: ${changes.applied.join(', ')}`)
  }
}
