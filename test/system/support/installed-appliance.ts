import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Paths, pathsBelow } from '../../../src/ipc/paths.ts'
import { ApplianceState } from './appliance-state.ts'
import { dist } from './build-output.ts'
import type { MachineEngine } from './systemd-engine.ts'
import type { CommandResult, SystemdMachine } from './systemd-machine.ts'

const packages = join(dist, 'package')

export const hostUnit = 'omada-host.service'
export const edgeUnit = 'omada-host-edge.service'

/** The appliance as its package installs it on a machine: two services. */
export class InstalledAppliance extends ApplianceState {
  readonly #machine: SystemdMachine
  readonly #engine: MachineEngine

  constructor(machine: SystemdMachine, engine: MachineEngine) {
    super()
    this.#machine = machine
    this.#engine = engine
  }

  /** Other paths after each boot: they lead through the machine's PID 1. */
  override get paths(): Paths {
    return pathsBelow(this.#machine.path('/run'), this.#machine.path('/var/lib'))
  }

  override get running(): boolean {
    return this.#machine.running
  }

  /** The package that `scripts/package` made last. */
  static package(): string {
    const made = readdirSync(packages).filter((name) => /^omada-host_.*_amd64\.deb$/.test(name))
    const newest = made.map((name) => join(packages, name)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
    if (newest === undefined) throw new Error('there is no package to install; run: scripts/package')
    return newest
  }

  /** Installs the package as a user would. @param options.start false: the administrator forbids it (policy-rc.d(8)) */
  async install(options: { start?: boolean } = {}): Promise<void> {
    const deb = InstalledAppliance.package()
    const policy = '/usr/sbin/policy-rc.d'
    if (options.start === false) this.#machine.write(policy, '#!/bin/sh\nexit 101\n', 0o755)
    const inside = join('/root', basename(deb))
    await this.#machine.copyIn(deb, inside)
    await this.#machine.exec(['apt-get', 'install', '--yes', inside], { timeoutMilliseconds: 120_000 })
    if (options.start === false) await this.#machine.exec(['rm', policy])
  }

  /** What the next start or reload reads: sections merged over the harness's own, key by key. */
  configure(change: Readonly<Record<string, object>> = {}): void {
    // The stand-in is probed often, so that tests need not wait; all else is as a user gets it.
    const config: Record<string, object> = { health: { intervalSeconds: 2 } }
    for (const [name, section] of Object.entries(change)) config[name] = { ...config[name], ...section }
    this.write(JSON.stringify(config, null, 2))
  }

  /** The text of the configuration file; JSON is YAML. */
  write(yaml: string): void {
    this.#machine.write('/etc/omada-host/config.yaml', yaml)
  }

  /** `systemctl VERB omada-host`, to its end. */
  systemctl(verb: 'start' | 'stop' | 'restart' | 'reload', milliseconds = 150_000): Promise<CommandResult> {
    return this.#machine.try(['systemctl', verb, 'omada-host'], { timeoutMilliseconds: milliseconds })
  }

  /** Runs the installed program's command-line. */
  command(args: readonly string[], milliseconds = 60_000): Promise<CommandResult> {
    return this.#machine.try(['omada-host', ...args], { timeoutMilliseconds: milliseconds })
  }

  /** The controller's container, as its engine tells; equal as long as it is the same and was not restarted. */
  container(): Promise<string> {
    const format = '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}'
    return this.#engine.run(['inspect', '--format', format, 'omada-controller'])
  }

  /** What the stand-in wrote down of its database over all its runs, such as `first-start`, `clean-stop`. */
  async dataHistory(): Promise<string[]> {
    const file = join(this.#engine.volume('omada-data'), 'standin-history.json')
    return (JSON.parse(this.#machine.read(file)) as { event: string }[]).map((entry) => entry.event)
  }

  /** How long the controller's last stop took, in seconds, by its own log: from the signal until it was about to exit. */
  ownStopSeconds(): number {
    const log = this.#machine.read(join(this.#engine.volume('omada-logs'), 'server.log')).split('\n')
    const [from, to] = ['going to shutdown ecsp thread pools', 'Omada Controller exited'].map((text) => {
      const [, month, day, year, time] =
        /^(\d+)-(\d+)-(\d+) (\S+)/.exec(log.findLast((line) => line.includes(text)) ?? '') ?? []
      return Date.parse(`${year}-${month}-${day}T${time}Z`)
    })
    return ((to ?? Number.NaN) - (from ?? Number.NaN)) / 1000
  }

  override async report(): Promise<string> {
    const units = await this.#machine.try(['systemctl', 'status', '--no-pager', '--lines=0', hostUnit, edgeUnit])
    // Podman writes a line for each request.
    const journal = (await this.#machine.journal(undefined, 600)).split('\n').filter((line) => !/podman\[/.test(line))
    return `${units.stdout}\n--- the journal\n${journal.slice(-200).join('\n')}`
  }
}
