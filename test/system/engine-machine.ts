import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DockerEngine } from '../../src/host/engine/docker-engine.ts'
import { Child } from '../support/child.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'
import { Podman } from './support/podman.ts'

const proxyProgram = fileURLToPath(new URL('engine-proxy.ts', import.meta.url))

/** What the image of these tests runs: it says what it was given, and ends on SIGTERM like java does, or as told by /data/do. */
const program = `#!/bin/sh
trap 'echo stopping; sleep "\${STOP_SECONDS:-0}"; echo stopped; exit 143' TERM
echo "started TZ=$TZ"
echo warning >&2
while :; do
  if [ -e /opt/tplink/EAPController/data/do ]; then . /opt/tplink/EAPController/data/do; fi
  sleep 0.2 &
  wait $!
done
`

/**
 * A machine for tests of the engine: a Podman, a registry and a proxy that spoils the registry's answers, all in one
 * network namespace; a tiny image made from nothing but a shell.
 */
export class EngineMachine {
  static readonly image = '127.0.0.1:5000/omada/tiny:6.2'
  readonly ledger: Ledger
  readonly namespace: Namespace
  readonly podman: Podman
  readonly engine: DockerEngine
  /**
   * A network's name of its own: Podman 4.3 keeps the addresses in use by network name in one file of the whole machine
   * (/run/containers/networks/ipam.db).
   */
  readonly network = `omada-${randomBytes(3).toString('hex')}`
  readonly #modeFile: string
  #service: Child | undefined

  private constructor(ledger: Ledger, namespace: Namespace, podman: Podman) {
    this.ledger = ledger
    this.namespace = namespace
    this.podman = podman
    this.engine = new DockerEngine({ sockets: [podman.socket] })
    this.#modeFile = join(ledger.directory, 'mode')
  }

  /** @param runtime makes another OCI runtime than the one that works here, in this directory, and says where */
  static async open(runtime?: (directory: string) => string): Promise<EngineMachine> {
    const ledger = await Ledger.open('omada-host-engine-', '/var/tmp')
    const namespace = await Namespace.make(ledger, `engine-${randomBytes(3).toString('hex')}`)
    const other = runtime === undefined ? {} : { runtime: runtime(ledger.directory) }
    const podman = Podman.make(ledger, { namespace, directory: join(ledger.directory, 'podman'), ...other })
    const machine = new EngineMachine(ledger, namespace, podman)
    machine.registryIs('fine')
    await machine.startService()
    return machine
  }

  async close(): Promise<void> {
    await this.ledger.close()
  }

  /** Serves the engine's API and returns when it answers. */
  async startService(): Promise<void> {
    this.#service = await Child.start(this.ledger, {
      what: 'podman system service',
      argv: this.podman.argv(['system', 'service', '--time', '0', `unix://${this.podman.socket}`]),
      // What a killed pull leaves behind goes with the machine.
      environment: { ...this.podman.environment, TMPDIR: this.ledger.directory },
      graceMilliseconds: 2000,
    })
    await eventually(
      () => this.engine.info(AbortSignal.timeout(10_000)),
      () => true,
    )
  }

  async stopService(): Promise<void> {
    await this.#service?.stop('SIGTERM', 20_000)
  }

  /** Kills the engine's API service as a crash would. Containers run on. */
  async killService(): Promise<void> {
    await this.#service?.stop('SIGKILL', 10_000)
  }

  /** How the registry behaves from now on; see engine-proxy.ts. */
  registryIs(mode: 'fine' | 'slow' | 'truncate' | 'down' | 'limited' | 'login'): void {
    writeFileSync(this.#modeFile, mode)
  }

  /** Serves a registry on 127.0.0.1:5000 of the namespace. */
  async startRegistry(): Promise<void> {
    const { directory } = this.ledger
    const configuration = join(directory, 'registry.yaml')
    const storage = { filesystem: { rootdirectory: join(directory, 'blobs') } }
    writeFileSync(configuration, JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:5001' } }))
    const serve = async (what: string, argv: readonly string[]) =>
      await Child.start(this.ledger, { what, argv: this.namespace.enter(argv), graceMilliseconds: 1000 })
    await serve('docker-registry', ['docker-registry', 'serve', configuration])
    const proxy = await serve('proxy', [process.execPath, proxyProgram, '5000', '5001', this.#modeFile])
    await proxy.line((line) => (line === 'listening' ? true : undefined), 20_000)
  }

  /** Makes an image of the shell and some bytes that cannot be compressed, under `name` in the Podman's own storage. */
  async build(name: string, options: { megabytes?: number; architecture?: string } = {}): Promise<void> {
    const context = join(this.ledger.directory, `context-${randomBytes(3).toString('hex')}`)
    await fillContext(context, options.megabytes ?? 0)
    const container = await this.#buildah(['from', 'scratch'])
    const architecture = options.architecture === undefined ? [] : ['--arch', options.architecture]
    await this.#buildah(['copy', '--quiet', container, context, '/'])
    await this.#buildah(['config', ...architecture, '--entrypoint', '["/bin/sh","/main.sh"]', container])
    await this.#buildah(['commit', '--quiet', container, name])
    await this.#buildah(['rm', container])
  }

  /** Puts an image of the own storage into the registry, and forgets it here. */
  async publish(name: string): Promise<void> {
    await this.#buildah(['push', '--quiet', '--tls-verify=false', name, `docker://${name}`])
    await this.#buildah(['rmi', '--force', name])
  }

  /** Puts `name` into the registry as a list that has only the image for `architecture`. */
  async publishList(name: string, member: string): Promise<void> {
    await this.#buildah(['manifest', 'create', 'list'])
    await this.#buildah(['manifest', 'add', '--tls-verify=false', 'list', `docker://${member}`])
    await this.#buildah(['manifest', 'push', '--all', '--tls-verify=false', 'list', `docker://${name}`])
  }

  async #buildah(args: readonly string[]): Promise<string> {
    const { environment } = this.podman
    return await command(this.namespace.enter(['buildah', ...args]), { environment, timeoutMilliseconds: 120_000 })
  }
}

/** The shell, what it needs of the machine's libraries, and the program. */
async function fillContext(context: string, megabytes: number): Promise<void> {
  const add = (from: string, to: string) => {
    mkdirSync(dirname(join(context, to)), { recursive: true })
    copyFileSync(from, join(context, to))
  }
  for (const binary of ['/bin/dash', '/bin/sleep']) {
    const libraries = (await command(['ldd', binary])).matchAll(/(\/\S+) \(0x/g)
    for (const [, library = ''] of libraries) add(library, library)
    add(binary, binary)
  }
  add('/bin/dash', '/bin/sh')
  writeFileSync(join(context, 'main.sh'), program)
  chmodSync(join(context, 'main.sh'), 0o755)
  if (megabytes > 0) writeFileSync(join(context, 'ballast'), randomBytes(megabytes * 1024 * 1024))
}
