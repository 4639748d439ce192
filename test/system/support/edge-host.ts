import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Finding } from '../../../src/diagnosis/finding.ts'
import { fetchState } from '../../../src/ipc/client.ts'
import type { EdgeState } from '../../../src/ipc/edge-state.ts'
import { pathsBelow } from '../../../src/ipc/paths.ts'
import { NamespacePeer } from '../../edge/discovery/support/namespace-peer.ts'
import { Child } from '../../support/child.ts'
import { Lan } from '../../support/lan.ts'
import type { Ledger } from '../../support/ledger.ts'
import { Namespace } from '../../support/namespace.ts'

const edgeMain = fileURLToPath(new URL('../../diagnosis/netcheck/edge-main.ts', import.meta.url))
const program = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))

/** The controller's own network is the same on every host. */
const bridgeAddress = '10.129.81.1/24'

/** A machine with the edge alone: a namespace with a bridge, on which a socket listens in the controller's place. */
export class EdgeHost {
  readonly namespace: Namespace
  readonly controller: NamespacePeer
  readonly #ledger: Ledger
  readonly #directory: string
  readonly #config: object

  private constructor(parts: {
    ledger: Ledger
    namespace: Namespace
    controller: NamespacePeer
    directory: string
    config: object
  }) {
    this.namespace = parts.namespace
    this.controller = parts.controller
    this.#ledger = parts.ledger
    this.#directory = parts.directory
    this.#config = parts.config
  }

  /** @param config as in the YAML file */
  static async make(ledger: Ledger, options: { name: string; config?: object }): Promise<EdgeHost> {
    const { name, config = {} } = options
    const namespace = await Namespace.make(ledger, name)
    const bridge = await Lan.make(ledger, { name: 'omada', host: namespace, address: bridgeAddress })
    const container = await Namespace.make(ledger, `${name}-ctl`)
    await bridge.plug(container, 10)
    const controller = await NamespacePeer.open(ledger, container, '0.0.0.0', 29_810)
    const directory = join(ledger.directory, name)
    mkdirSync(directory)
    // JSON is YAML.
    writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config))
    return new EdgeHost({ ledger, namespace, controller, directory, config })
  }

  /** Resolves when the edge serves. */
  async start(): Promise<void> {
    const argv = [process.execPath, edgeMain, JSON.stringify(this.#config), this.#directory]
    const edge = await Child.start(this.#ledger, {
      what: `edge in ${this.namespace.name}`,
      argv: this.namespace.enter(argv),
    })
    await edge.line((line) => (line.includes('the edge serves now') ? true : undefined), 20_000)
  }

  state(): Promise<EdgeState> {
    const { edgeStateSocket } = pathsBelow(this.#directory, this.#directory)
    return fetchState<EdgeState>(edgeStateSocket, AbortSignal.timeout(5000))
  }

  /** `omada-host netcheck --json` on this machine. */
  netcheck(): Promise<{ code: number; findings: readonly Finding[] }> {
    const places = ['--config', join(this.#directory, 'config.yaml'), '--runtime-dir', this.#directory]
    const [file = '', ...rest] = this.namespace.enter([process.execPath, program, ...places, 'netcheck', '--json'])
    return new Promise((resolve, reject) => {
      execFile(file, rest, { encoding: 'utf8', timeout: 120_000 }, (error, stdout, stderr) => {
        try {
          resolve({ code: Number(error?.code ?? 0), findings: JSON.parse(stdout) })
        } catch {
          reject(new Error(`netcheck printed no JSON: ${stdout}${stderr}`))
        }
      })
    })
  }
}
