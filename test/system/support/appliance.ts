import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Paths, pathsBelow } from '../../../src/ipc/paths.ts'
import { Child, type ChildEnd } from '../../support/child.ts'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'
import { ApplianceState } from './appliance-state.ts'
import { dist } from './build-output.ts'

/** The real build; `npm run build` makes it. */
export const builtProgram = join(dist, 'omada-host')

export interface ApplianceOptions {
  readonly namespace: Namespace
  /** Holds the configuration, the sockets and the state of this appliance over restarts. */
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  /** As in the YAML file. */
  readonly config: object
  /** Another copy of the program than the build's own. */
  readonly program?: string
}

/** `dist/omada-host run` as a child in a namespace, and what it says of itself on its unix sockets. */
export class Appliance extends ApplianceState {
  override readonly paths: Paths
  readonly configFile: string
  readonly #ledger: Ledger
  readonly #options: ApplianceOptions
  readonly #program: string
  #child: Child | undefined
  #before = ''

  constructor(ledger: Ledger, options: ApplianceOptions) {
    super()
    this.#ledger = ledger
    this.#options = options
    this.#program = options.program ?? builtProgram
    this.configFile = join(options.directory, 'config.yaml')
    this.paths = pathsBelow(join(options.directory, 'run'), join(options.directory, 'lib'))
    for (const name of ['run', 'lib']) mkdirSync(join(options.directory, name), { recursive: true })
    this.configure(options.config)
  }

  /** What the next start reads. */
  configure(config: object): void {
    // JSON is YAML.
    writeFileSync(this.configFile, JSON.stringify(config, null, 2))
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error('the appliance was not started')
    return this.#child
  }

  /** The argv of any of the program's commands, in the namespace. */
  argv(args: readonly string[]): string[] {
    return this.#options.namespace.enter([this.#program, ...args])
  }

  /** Starts `run`; it is not waited for. */
  async start(): Promise<void> {
    if (!existsSync(this.#program)) throw new Error(`${this.#program} is missing; run: npm run build`)
    if (this.#child !== undefined) this.#before = this.#child.tail(100)
    const { directory, environment } = this.#options
    const places = ['--runtime-dir', join(directory, 'run'), '--state-dir', join(directory, 'lib')]
    this.#child = await Child.start(this.#ledger, {
      what: 'omada-host run',
      argv: this.argv(['run', '--config', this.configFile, ...places]),
      environment,
      graceMilliseconds: 90_000,
    })
  }

  /** Sends a signal and waits for the end of the process. */
  stop(signal: NodeJS.Signals = 'SIGTERM', milliseconds = 90_000): Promise<ChildEnd> {
    return this.child.stop(signal, milliseconds)
  }

  /** Stops it if it runs. One that does not stop in time is left to the ledger. */
  async end(): Promise<void> {
    if (this.#child?.running === true)
      await this.stop('SIGTERM', 30_000).catch((error: Error) => console.error(error.message))
  }

  override get running(): boolean {
    return this.#child?.running === true
  }

  /** The end of its log, over one restart, for the message of a failure. */
  override report(): string {
    const before = this.#before === '' ? '' : `--- the appliance's log before its restart\n${this.#before}\n`
    return `${before}--- the appliance's log\n${this.#child?.tail(150) ?? ''}`
  }
}
