import { stat } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { adoptConfig } from '../config/adopt.ts'
import type { CertificatePair } from '../config/certificate.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Component } from '../core/component.ts'
import type { Fault } from '../core/errors.ts'
import type { Logger, LogLevel } from '../core/logger.ts'
import { Periodic } from '../core/periodic.ts'
import { readHandover } from '../ipc/handover.ts'
import { needsRestart } from '../ipc/pending-restart.ts'

/** What the edge goes by. */
const edgeSections = ['network', 'discovery', 'access', 'proxy', 'status', 'log'] as const

/** How often the handed-over file is looked at, in milliseconds. */
const lookEvery = 1000

interface EdgeChangesOptions {
  readonly running: Config
  /** The one that was handed over at the start. */
  readonly certificate: CertificatePair | undefined
  readonly path: string
  readonly logger: Logger
  readonly clock: Clock
  readonly setLogLevel: (level: LogLevel) => void
  /** Something was taken over. */
  readonly applied: () => void
  /** There is another certificate. */
  readonly renew: (certificate: CertificatePair) => Promise<void>
}

/**
 * Follows what the host hands over: takes over in place, into the configuration that every component holds, what may
 * change at run time, and another certificate. What needs a restart of the edge stays a warning.
 */
export class EdgeChanges {
  readonly #options: EdgeChangesOptions
  #certificate: CertificatePair | undefined
  #seen: string | undefined
  #pending: readonly string[] = []

  constructor(options: EdgeChangesOptions) {
    this.#options = options
    this.#certificate = options.certificate
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

  warnings(): readonly Fault[] {
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
    if (changes.applied.length > 0) {
      setLogLevel(running.log.level)
      applied()
      logger.info(`taken over from the changed configuration: ${changes.applied.join(', ')}`)
    }
    await this.#renew(part.certificate)
  }

  /** One that the host could not read any more is no reason to do without the one at hand. */
  async #renew(certificate: CertificatePair | undefined): Promise<void> {
    if (certificate === undefined || isDeepStrictEqual(certificate, this.#certificate)) return
    this.#certificate = certificate
    await this.#options.renew(certificate)
  }
}
