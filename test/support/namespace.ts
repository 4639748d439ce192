import { command } from './command.ts'
import type { Ledger } from './ledger.ts'

/** A network namespace: one that was made here, or the machine's own. */
export class Namespace {
  /** As `ip netns` knows it; undefined for the machine's own. */
  readonly name: string | undefined

  private constructor(name: string | undefined) {
    this.name = name
  }

  /** The network namespace that this process runs in. */
  static readonly own = new Namespace(undefined)

  /** Makes a namespace with the loopback interface up. */
  static async make(ledger: Ledger, name: string): Promise<Namespace> {
    ledger.willMake(`network namespace ${name}`, ['sh', '-c', `! [ -e /run/netns/${name} ] || ip netns delete ${name}`])
    await command(['ip', 'netns', 'add', name])
    const namespace = new Namespace(name)
    await namespace.run(['ip', 'link', 'set', 'lo', 'up'])
    return namespace
  }

  /** Takes away its name; it goes, with all its interfaces, when no process is in it any more. */
  async remove(): Promise<void> {
    await command(['ip', 'netns', 'delete', this.name ?? ''])
  }

  /**
   * The argv that runs `argv` in here. nsenter rather than `ip netns exec`: that one mounts a new /sys, which hides the
   * cgroups that a container engine needs. No fork in between: the child's process id is the program's own.
   */
  enter(argv: readonly string[]): string[] {
    return this.name === undefined ? [...argv] : ['nsenter', `--net=/run/netns/${this.name}`, '--', ...argv]
  }

  /** Runs a command in here to its end and returns its stdout. */
  run(argv: readonly string[]): Promise<string> {
    return command(this.enter(argv))
  }
}
