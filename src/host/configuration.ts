import { isDeepStrictEqual } from 'node:util'
import { apply, needsRestart, type Restarted } from '../config/apply.ts'
import type { CertificatePair } from '../config/certificate.ts'
import { type Chosen, chosenForContainer } from '../config/chosen.ts'
import type { KeptDefaults } from '../config/kept-defaults.ts'
import { keyNeeds } from '../config/keys.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { Emitter } from '../core/emitter.ts'
import { ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { Serial } from '../core/serial.ts'
import type { WarningSource } from '../core/warnings.ts'
import type { UsableCertificate } from './certificate.ts'

/** What a user restarts for what only a restart of the host, or of the edge, puts in force. */
export type RestartedFor = Readonly<Record<'host' | 'edge', Restarted>>

export interface ConfigurationOptions {
  /** What the host started with. */
  readonly loaded: LoadedConfig
  /** The user's own certificate at the start, and what reads it again. */
  readonly usable: UsableCertificate
  readonly readCertificate: (config: Config) => Promise<UsableCertificate>
  /** Reads the configuration again. */
  readonly load: () => Promise<LoadedConfig>
  readonly restarted: RestartedFor
  /** Says what the configuration was accepted with, and what waits for a restart of the host. */
  readonly warnings: WarningSource
  readonly logger: Logger
}

/** What is to be said of the configuration, and of the certificate. */
interface Said {
  readonly ofFile: readonly Fault[]
  readonly ofCertificate: readonly Fault[]
}

/**
 * What is in force, for the host's own parts and for the edge: the configuration that the host started with, and of a
 * changed one all that needs no restart of the host.
 */
export class Configuration {
  /** Something may be in force that was not before. */
  readonly changed = new Emitter<void>()
  readonly #options: ConfigurationOptions
  readonly #serial = new Serial()
  #inForce: Config
  /** As it was read last. */
  #read: Config
  #certificate: CertificatePair | undefined
  #said: Said

  constructor(options: ConfigurationOptions) {
    const { loaded, usable } = options
    this.#options = options
    this.#inForce = loaded.config
    this.#read = loaded.config
    this.#certificate = usable.certificate
    this.#said = { ofFile: loaded.warnings, ofCertificate: usable.warnings }
    this.#tell({})
  }

  /** Replaced by another object when it changes, and never written into. */
  get inForce(): Config {
    return this.#inForce
  }

  /** What the user chose for the container, whose keys stay in force as the host started with them. */
  get chosen(): Chosen {
    return chosenForContainer(this.#options.loaded)
  }

  /** What stands in it for what the user left open. */
  get defaults(): KeptDefaults {
    return this.#options.loaded.defaults
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
    return this.#serial.run(async () => this.#take(await this.#load()))
  }

  /** Looks at the certificate again, which is renewed without a word, and runs out. */
  async lookAtCertificate(): Promise<void> {
    await this.#serial.run(async () => {
      const renewal = await this.#takeCertificate()
      if (renewal === undefined) return
      this.#options.logger.info(renewal)
      this.changed.emit()
    })
  }

  async #load(): Promise<LoadedConfig> {
    const { load, logger } = this.#options
    try {
      return await load()
    } catch (error) {
      const faults: readonly Fault[] = error instanceof ApplianceErrors ? error.faults : [toFault(error)]
      for (const { code, message, remedy } of faults) logger.error({ code, remedy }, message)
      const count = `${faults.length} fault(s)`
      logger.error(`the configuration was not taken over, because it has ${count}; the old one stays in force`)
      throw error
    }
  }

  async #take({ config: next, warnings }: LoadedConfig): Promise<{ message: string }> {
    const { loaded, restarted, logger } = this.#options
    this.#read = next
    const renewal = await this.#takeCertificate()
    const now = { started: loaded.config, inForce: this.#inForce }
    const { inForce, applied, pending } = apply(now, next, { process: 'host', needs: keyNeeds })
    this.#inForce = inForce
    const waiting = pending.map(({ key }) => key)
    const ofHost = restartFaults(waiting, restarted.host)
    // Of what the edge reads once it warns itself: only it knows what it started with.
    const ofEdge = restartFaults([...applied, ...waiting].filter(isEdges), restarted.edge)
    this.#tell({ ofFile: [...warnings, ...ofHost] })
    const taken = applied.filter((key) => !isEdges(key))
    const lines = [`the configuration was read again; taken over: ${taken.join(', ') || 'nothing new'}`]
    if (renewal !== undefined) lines.push(renewal)
    for (const line of lines) logger.info(line)
    this.changed.emit()
    const restarts = [...ofHost, ...ofEdge].map(({ message, remedy }) => `${message}: ${remedy}`)
    return { message: [...lines, ...restarts].join('\n') }
  }

  /** @returns what to say of a certificate that is another one now */
  async #takeCertificate(): Promise<string | undefined> {
    const { certificate, warnings } = await this.#options.readCertificate(this.#read)
    this.#tell({ ofCertificate: warnings })
    // One that cannot be read is no reason to do without the one before.
    if (certificate === undefined || isDeepStrictEqual(certificate, this.#certificate)) return undefined
    this.#certificate = certificate
    return renewed
  }

  #tell(change: Partial<Said>): void {
    this.#said = { ...this.#said, ...change }
    this.#options.warnings.set([...this.#said.ofFile, ...this.#said.ofCertificate])
  }
}

const renewed =
  'there is a new certificate: the page that asks to wait has it, the controller takes it when it starts next: omada-host restart'

const isEdges = (key: string) => keyNeeds[key] === 'edge'

function restartFaults(keys: readonly string[], what: Restarted): readonly Fault[] {
  return keys.length === 0 ? [] : [needsRestart(keys, what)]
}
