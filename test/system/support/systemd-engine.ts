import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostEngine } from './debian-root.ts'
import { Registry } from './registry.ts'
import type { ExecOptions, SystemdMachine } from './systemd-machine.ts'

/** Where each engine keeps the volumes that it makes. */
const volumes = { podman: '/var/lib/containers/storage/volumes', docker: '/var/lib/docker/volumes' } as const

/** capabilities(7). */
const capSysResource = 24n

/** The container engine that a machine is installed with, as its owner meets it: by its program, and by its files. */
export class MachineEngine {
  readonly kind: HostEngine
  readonly #machine: SystemdMachine

  constructor(machine: SystemdMachine, kind: HostEngine) {
    this.#machine = machine
    this.kind = kind
  }

  /** `podman ARGS` or `docker ARGS`. */
  run(args: readonly string[], options: ExecOptions = {}): Promise<string> {
    return this.#machine.exec([this.kind, ...args], options)
  }

  /** The directory of a volume, as the machine names it. */
  volume(name: string): string {
    return join(volumes[this.kind], name, '_data')
  }

  /**
   * Configures it for where it runs. The host's own registry, which speaks plain HTTP, stands in for docker.io: the
   * appliance's default image is the stand-in there.
   */
  async configure(): Promise<void> {
    // skopeo reads them on a host with Docker, too.
    this.#machine.write('/etc/containers/registries.conf.d/omada-host-test.conf', registries)
    if (this.kind === 'podman')
      this.#machine.write('/etc/containers/containers.conf.d/omada-host-test.conf', this.#containers())
    else await this.configureDocker()
  }

  /** Docker's own configuration, and what a test adds to it. It runs with it afterwards; `reload` takes not all of them. */
  async configureDocker(
    settings: Readonly<Record<string, unknown>> = {},
    verb: 'restart' | 'reload' = 'restart',
  ): Promise<void> {
    const file = '/etc/docker/daemon.json'
    // Without its proxies, published ports go by the packet filter alone: tests see whether that is left as it was.
    const own = { 'registry-mirrors': [`http://${Registry.address}`], 'userland-proxy': false }
    const wanted = `${JSON.stringify({ ...own, ...settings })}\n`
    if (existsSync(this.#machine.path(file)) && this.#machine.read(file) === wanted) return
    this.#machine.write(file, wanted)
    await this.#machine.exec(['systemctl', verb, 'docker.service'])
  }

  /** What this process may not give, its containers do not ask for; where it may give everything the defaults stay. */
  #containers(): string {
    const lines = ['[containers]']
    // Podman asks for 1048576 open files and for every process there may be.
    if (!mayRaiseLimits()) lines.push('default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]')
    if (!this.#machine.controllers.includes('pids')) lines.push('pids_limit = 0')
    return `${lines.join('\n')}\n`
  }
}

const registries = `[[registry]]
location = "${Registry.address}"
insecure = true

[[registry]]
prefix = "docker.io/${Registry.repository}"
location = "${Registry.address}/${Registry.repository}"
insecure = true
`

function mayRaiseLimits(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n
}
