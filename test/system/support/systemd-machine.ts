import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from '../../support/child.ts'
import { command } from '../../support/command.ts'
import { eventually } from '../../support/eventually.ts'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'
import { makeCgroup } from './cgroup.ts'

const bootScript = fileURLToPath(new URL('systemd-boot.sh', import.meta.url))

export interface MachineOptions {
  /** Its host name, and the name of its cgroup. */
  readonly name: string
  /** The file system that it starts from; only read. */
  readonly root: string
  /** Where it keeps what it writes, over boots. */
  readonly directory: string
}

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  /** Default one minute. Then the command is killed inside the machine. */
  readonly timeoutMilliseconds?: number
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * A Debian machine that boots systemd as PID 1 in pid, mount, uts, ipc and cgroup namespaces of its own. All of its
 * processes, containers included, die with that PID 1, and PID 1 dies with this process's child: nothing can be left.
 */
export class SystemdMachine {
  readonly #ledger: Ledger
  readonly #options: MachineOptions
  readonly #cgroup: string
  /** The cgroup controllers that it has. */
  readonly controllers: readonly string[]
  #unshare: Child | undefined
  #pid: number | undefined

  private constructor(ledger: Ledger, options: MachineOptions, cgroup: ReturnType<typeof makeCgroup>) {
    this.#ledger = ledger
    this.#options = options
    this.#cgroup = cgroup.directory
    this.controllers = cgroup.controllers
  }

  /** Makes a machine that is not booted yet. */
  static make(ledger: Ledger, options: MachineOptions): SystemdMachine {
    return new SystemdMachine(ledger, options, makeCgroup(ledger, options.name))
  }

  get name(): string {
    return this.#options.name
  }

  /** True from `boot` until its PID 1 has ended. */
  get running(): boolean {
    return this.#unshare?.running === true
  }

  /** Its PID 1, as this process sees it. @throws Error when it is not booted */
  get pid(): number {
    if (this.#pid === undefined || !this.running) throw new Error(`${this.#options.name} does not run`)
    return this.#pid
  }

  /** A path of the machine's, for this process; sockets can be connected to by it, as long as it runs. */
  path(inside: string): string {
    return join('/proc', String(this.pid), 'root', inside)
  }

  /** Starts systemd with this network and returns when its basic system is up and commands can be run. */
  async boot(namespace: Namespace, milliseconds = 60_000): Promise<void> {
    const { name, root, directory } = this.#options
    const unshare = ['unshare', '--mount', '--pid', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child', '--']
    // The cgroup first: the cgroup namespace begins where the process is when it is made.
    const enterCgroup = ['sh', '-c', `echo $$ >${join(this.#cgroup, 'cgroup.procs')} && exec "$@"`, 'sh']
    const child = await Child.start(this.#ledger, {
      what: `machine ${name}`,
      argv: [...enterCgroup, ...namespace.enter([...unshare, 'sh', bootScript, name, root, directory])],
      // unshare ignores SIGTERM; on SIGKILL the kernel ends every process of the machine.
      graceMilliseconds: 0,
    })
    this.#unshare = child
    const failed = child.ended.then(() => Promise.reject(new Error(`${name} did not boot\n${child.tail()}`)))
    this.#pid = await Promise.race([failed, eventually(() => firstChild(child.pid), Boolean, milliseconds)])
    const up = () => this.exec(['systemctl', 'is-active', 'basic.target', 'dbus.socket'])
    await Promise.race([failed, eventually(up, () => true, milliseconds)])
  }

  /** As its owner would: everything is stopped in order. Returns when it is off. @throws Error after the time */
  async powerOff(milliseconds = 180_000): Promise<void> {
    const child = this.#unshare
    if (child === undefined) return
    await this.try(['systemctl', '--no-block', 'poweroff'])
    // It does not heed a signal; this is only to wait.
    await child.stop('SIGTERM', milliseconds)
  }

  /** As when the plug is pulled. */
  async cutPower(): Promise<void> {
    await this.#unshare?.stop('SIGKILL', 10_000)
    await eventually(
      async () => existsSync(`/proc/${this.#pid}`),
      (exists) => !exists,
    )
  }

  /** Runs a command in the machine as root. @throws Error with what it printed when it fails or takes too long */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { timeoutMilliseconds = 60_000 } = options
    return command(this.#enter(argv, options), { timeoutMilliseconds: timeoutMilliseconds + 10_000 })
  }

  /** Runs a command in the machine that may fail. */
  async try(argv: readonly string[], options: ExecOptions = {}): Promise<CommandResult> {
    // The exit code goes through a shell's last line, so that a failure is a result like any other.
    const script = `out=$("$@" 2>/tmp/.stderr-$$); code=$?; printf '%s\\0' "$code" "$out" "$(cat /tmp/.stderr-$$)"; rm /tmp/.stderr-$$`
    const text = await this.exec(['sh', '-c', script, 'sh', ...argv], options)
    const [code, stdout = '', stderr = ''] = text.split('\0')
    return { code: Number(code), stdout, stderr }
  }

  #enter(argv: readonly string[], { timeoutMilliseconds = 60_000, environment = {} }: ExecOptions): string[] {
    const variables = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      LANG: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
      SYSTEMD_COLORS: '0',
      SYSTEMD_PAGER: '',
      ...environment,
    }
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
    const into = ['nsenter', '-t', String(this.pid), '-m', '-p', '-n', '-u', '-i', '-C', '-r', '-w', '--']
    const deadline = ['timeout', '--kill-after=2', String(timeoutMilliseconds / 1000)]
    return [...into, 'env', '-i', ...set, ...deadline, ...argv]
  }

  /** The properties of a unit, by name. */
  async show(unit: string, ...properties: string[]): Promise<Record<string, string>> {
    const text = await this.exec(['systemctl', 'show', unit, `--property=${properties.join(',')}`])
    return Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)))
  }

  /** A point in time that systemd remembers, of a unit or of itself, in seconds of its clock, CLOCK_MONOTONIC. */
  async stamp(property: string, unit?: string): Promise<number> {
    const of = unit === undefined ? [] : [unit]
    return Number(await this.exec(['systemctl', 'show', ...of, `--property=${property}`, '--value'])) / 1e6
  }

  /** When a unit said something last, in seconds of the same clock. @throws Error when it never did */
  async said(unit: string, text: string): Promise<number> {
    const line = (await this.journal(unit)).split('\n').findLast((candidate) => candidate.includes(text))
    const [, at] = /^\[\s*([\d.]+)\]/.exec(line ?? '') ?? []
    if (at === undefined) throw new Error(`${unit} never said: ${text}`)
    return Number(at)
  }

  /** What a unit said since the machine was made, one message a line; of all units when none is named. */
  journal(unit?: string, lines = 1000): Promise<string> {
    const of = unit === undefined ? [] : [`--unit=${unit}`]
    return this.journalctl(['--output=short-monotonic', `--lines=${lines}`, ...of])
  }

  /** What journalctl prints, when all that was said by now has been written: journald is behind on a busy machine. */
  async journalctl(args: readonly string[]): Promise<string> {
    await this.exec(['journalctl', '--sync'])
    return this.exec(['journalctl', '--no-pager', '--quiet', ...args])
  }

  read(inside: string): string {
    return readFileSync(this.path(inside), 'utf8')
  }

  /** Writes a file, and the directories above it. */
  write(inside: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true })
    writeFileSync(this.path(inside), text, { mode })
  }

  /** Copies a file or a directory of this machine's into it. */
  async copyIn(outside: string, inside: string): Promise<void> {
    mkdirSync(dirname(this.path(inside)), { recursive: true })
    await command(['cp', '--archive', '--no-target-directory', outside, this.path(inside)])
  }
}

/** unshare's only child: PID 1 of the new namespace. */
async function firstChild(pid: number): Promise<number> {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}
