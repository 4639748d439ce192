import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../support/child.ts'
import { command } from '../../support/command.ts'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'

/**
 * A Podman of its own: storage, networks, locks and API socket in one directory, its bridges in one network namespace.
 * Locks are files, because Podman's default is one shared-memory segment that every storage of the machine writes to.
 */
export class Podman {
  readonly socket: string
  /** What makes any podman, buildah or skopeo command use this storage. */
  readonly environment: Readonly<Record<string, string>>
  readonly #ledger: Ledger
  readonly #namespace: Namespace
  #service: Child | undefined

  private constructor(ledger: Ledger, namespace: Namespace, directory: string) {
    this.#ledger = ledger
    this.#namespace = namespace
    this.socket = join(directory, 'podman.sock')
    this.environment = {
      CONTAINERS_STORAGE_CONF: join(directory, 'storage.conf'),
      CONTAINERS_CONF: join(directory, 'containers.conf'),
      CONTAINERS_REGISTRIES_CONF: join(directory, 'registries.conf'),
    }
  }

  /**
   * @param options.imageStores storages whose images are there to be used without a pull
   * @param options.runtime path of another OCI runtime than the one that works here
   */
  static make(
    ledger: Ledger,
    options: { namespace: Namespace; directory: string; imageStores?: readonly string[]; runtime?: string },
  ): Podman {
    const { namespace, directory, imageStores = [], runtime } = options
    mkdirSync(directory, { recursive: true })
    const podman = new Podman(ledger, namespace, directory)
    const lines = {
      'storage.conf': [
        '[storage]',
        'driver = "overlay"',
        `graphroot = "${directory}/root"`,
        `runroot = "${directory}/runroot"`,
        '[storage.options]',
        `additionalimagestores = ${JSON.stringify(imageStores)}`,
      ],
      'containers.conf': [
        '[containers]',
        'log_driver = "k8s-file"',
        '[engine]',
        `runtime = "${runtime === undefined ? workingRuntime() : 'other'}"`,
        'cgroup_manager = "cgroupfs"',
        'events_logger = "file"',
        'lock_type = "file"',
        `tmp_dir = "${directory}/tmp"`,
        `static_dir = "${directory}/static"`,
        `volume_path = "${directory}/volumes"`,
        ...(runtime === undefined ? [] : ['[engine.runtimes]', `other = ["${runtime}"]`]),
        '[network]',
        'network_backend = "netavark"',
        `network_config_dir = "${directory}/networks"`,
      ],
      // The registry of a TestHost speaks plain HTTP.
      'registries.conf': ['[[registry]]', 'location = "127.0.0.1:5000"', 'insecure = true'],
    }
    for (const [name, text] of Object.entries(lines)) writeFileSync(join(directory, name), `${text.join('\n')}\n`)
    // Containers do not outlive the network namespace of a machine that was switched off.
    const there = namespace.name === undefined ? '/' : `/run/netns/${namespace.name}`
    const remove = podman.argv(['rm', '--all', '--force', '--time', '0'])
    const undo = ['sh', '-c', `! [ -e ${there} ] || exec "$@"`, 'sh', ...remove]
    ledger.willMake('containers', undo, podman.environment)
    return podman
  }

  /** The command line that runs podman on this storage, in the namespace; it needs `environment`, too. */
  argv(args: readonly string[]): string[] {
    return this.#namespace.enter(['podman', ...args])
  }

  run(args: readonly string[], timeoutMilliseconds = 120_000): Promise<string> {
    return command(this.argv(args), { environment: this.environment, timeoutMilliseconds })
  }

  /**
   * Serves the API on `socket` and returns when it answers.
   * @param options.limits false: it sees no cpu and no memory controller, as on a kernel without them
   */
  async startService(options: { limits?: boolean } = {}): Promise<void> {
    const argv = this.argv(['system', 'service', '--time', '0', `unix://${this.socket}`])
    this.#service = await Child.start(this.#ledger, {
      what: 'podman system service',
      argv: options.limits === false ? withoutControllers(this.#ledger, argv) : argv,
      environment: this.environment,
      graceMilliseconds: 2000,
    })
    const end = performance.now() + 20_000
    while (!existsSync(this.socket)) {
      if (performance.now() > end || !this.#service.running) throw new Error(`no API\n${this.#service.tail()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async stopService(): Promise<void> {
    await this.#service?.stop('SIGTERM', 10_000)
    this.#service = undefined
  }

  /** The ids of the containers that exist, running or not. */
  async containers(): Promise<string[]> {
    return (await this.run(['ps', '--all', '--quiet', '--no-trunc'])).split('\n').filter((id) => id !== '')
  }

  /** One value of `podman inspect`, by Go template. */
  inspect(name: string, template: string): Promise<string> {
    return this.run(['inspect', '--format', template, name])
  }
}

/** A cgroup whose children are given no controllers. */
const barren = '/sys/fs/cgroup/omada-host-test'

/**
 * Runs a command in a mount namespace of its own that shows cgroups without the cpu and memory controllers: with cgroup
 * v2 alone a group that was given none, else whatever is mounted but those two.
 */
function withoutControllers(ledger: Ledger, argv: readonly string[]): string[] {
  ledger.willMake(`cgroup ${barren}`, [
    'sh',
    '-c',
    `! [ -d ${barren} ] || find ${barren} -depth -type d -exec rmdir {} +`,
  ])
  const hide = `if [ -e /sys/fs/cgroup/cgroup.controllers ]
    then mkdir -p ${barren}/none && mount --bind ${barren}/none /sys/fs/cgroup
    else umount /sys/fs/cgroup/cpu /sys/fs/cgroup/memory
    fi && exec "$@"`
  return ['unshare', '--mount', 'sh', '-c', hide, 'sh', ...argv]
}

/** crun wants cgroup v2 alone; where v1 or hybrid cgroups are mounted only runc works. */
export function workingRuntime(): 'crun' | 'runc' {
  return existsSync('/sys/fs/cgroup/cgroup.controllers') ? 'crun' : 'runc'
}
