import { isDeepStrictEqual } from 'node:util'
import { apply, needsRestart, type Restarted } from '../config/apply.ts'
import { type CertificatePair, type UsableCertificate, usableCertificate } from '../config/certificate.ts'
import { keyNeeds } from '../config/keys.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { Emitter } from '../core/emitter.ts'
import { ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Serial } from '../core/serial.ts'
import type { WarningSource } from '../core/warnings.ts'

/** What a user restarts for what only a restart of the host, or of the edge, puts in force. */
export interface RestartedFor {
  readonly host: Restarted
  readonly edge: Restarted
}

/**
 * What is in force, for the host's own parts and for the edge: the configuration that the host started with, and of a
 * changed one all that needs no restart of the host.
 */
export class Configuration {
  /** Something may be in force that was not before. */
  readonly changed = new Emitter<void>()
  readonly #load: () => Promise<LoadedConfig>
  readonly #restarted: RestartedFor
  readonly #logger: Logger
  readonly #started: Config
  readonly #serial = new Serial()
  #inForce: Config
  readonly #warnings: WarningSource
  #certificate: CertificatePair | undefined

  /** `load` reads the configuration again. `usable`: the user's own certificate, where there is one that can be read. */
  constructor(options: {
    loaded: LoadedConfig
    usable: UsableCertificate
    load: () => Promise<LoadedConfig>
    restarted: RestartedFor
    /** Says what the configuration was accepted with, and what waits for a restart of the host. */
    warnings: WarningSource
    logger: Logger
  }) {
    this.#load = options.load
    this.#restarted = options.restarted
    this.#logger = options.logger
    this.#started = options.loaded.config
    this.#inForce = options.loaded.config
    this.#certificate = options.usable.certificate
    this.#warnings = options.warnings
    this.#warnings.set([...options.loaded.warnings, ...options.usable.warnings])
  }

  /** Replaced by another object when it changes, and never written into. */
  get inForce(): Config {
    return this.#inForce
  }

  /** For the waiting room: the controller takes another one when it starts next. */
  get certificate(): CertificatePair | undefined {
    return this.#certificate
  }

  /**
   * Reads the configuration again and puts in force what needs no restart; the container is not touched. Resolves with
   * what came of it, for people, after any reload that was asked for before.
   * @throws ApplianceError or ApplianceErrors: a wrong configuration changes nothing, and all its faults are told
   */
  reload(): Promise<{ message: string }> {
    return this.#serial.run(async () => this.#take(await this.#read()))
  }

  async #read(): Promise<LoadedConfig> {
    try {
      return await this.#load()
    } catch (error) {
      const faults: readonly Fault[] = error instanceof ApplianceErrors ? error.faults : [toFault(error)]
      for (const { code, message, remedy } of faults) this.#logger.error({ code, remedy }, message)
      const count = `${faults.length} fault(s)`
      this.#logger.error(`the configuration was not taken over, because it has ${count}; the old one stays in force`)
      throw error
    }
  }

  async #take({ config: next, warnings }: LoadedConfig): Promise<{ message: string }> {
    const usable = await usableCertificate(next)
    const now = { started: this.#started, inForce: this.#inForce }
    const { inForce, applied, pending } = apply(now, next, { process: 'host', needs: keyNeeds })
    this.#inForce = inForce
    const ofHost = this.#waiting(
      pending.map(({ key }) => key),
      'host',
    )
    // Of what the edge reads once it warns itself: only it knows what it started with.
    const ofEdge = this.#waiting([...applied, ...pending.map(({ key }) => key)].filter(isEdges), 'edge')
    this.#warnings.set([...warnings, ...usable.warnings, ...ofHost])
    const taken = applied.filter((key) => !isEdges(key))
    const lines = [
      `the configuration was read again; taken over: ${taken.length === 0 ? 'nothing new' : taken.join(', ')}`,
      ...(this.#renew(usable.certificate) ? [renewed] : []),
    ]
    for (const line of lines) this.#logger.info(line)
    this.changed.emit()
    const waiting = [...ofHost, ...ofEdge].map(({ message, remedy }) => `${message}: ${remedy}`)
    return { message: [...lines, ...waiting].join('\n') }
  }

  #waiting(keys: readonly string[], process: keyof RestartedFor): readonly Fault[] {
    return keys.length === 0 ? [] : [needsRestart(keys, this.#restarted[process])]
  }

  /** Whether there is another certificate. One that cannot be read is no reason to do without the one before. */
  #renew(certificate: CertificatePair | undefined): boolean {
    if (certificate === undefined || isDeepStrictEqual(certificate, this.#certificate)) return false
    this.#certificate = certificate
    return true
  }
}

const renewed =
  'the waiting room was given the new certificate; the controller takes it when it starts next: omada-host restart'

const isEdges = (key: string) => keyNeeds[key] === 'edge' || keyNeeds[key] === 'both'
