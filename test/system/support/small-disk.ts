import { basename } from 'node:path'
import type { SystemdMachine } from './systemd-machine.ts'

/** A file system of a machine's whose size a test sets: a tmpfs, which takes no more memory than is written to it. */
export class SmallDisk {
  readonly #machine: SystemdMachine
  readonly #path: string

  private constructor(machine: SystemdMachine, path: string) {
    this.#machine = machine
    this.#path = path
  }

  /** Mounts one. What the directory held is hidden from then on. @param size as mount(8) takes it, such as `40m` */
  static async mount(machine: SystemdMachine, path: string, size: string): Promise<SmallDisk> {
    // Whatever is mounted over it later: the size is changed where nobody else mounts anything.
    const own = `/mnt/${basename(path)}`
    await machine.exec(['mkdir', '--parents', path, own])
    await machine.exec(['mount', '-t', 'tmpfs', '-o', `mode=755,size=${size}`, 'tmpfs', own])
    await machine.exec(['mount', '--bind', own, path])
    return new SmallDisk(machine, own)
  }

  /** One that is a tmpfs already, such as /run. */
  static of(machine: SystemdMachine, path: string): SmallDisk {
    return new SmallDisk(machine, path)
  }

  async resize(size: string): Promise<void> {
    await this.#machine.exec(['mount', '-o', `remount,size=${size}`, this.#path])
  }

  /** Makes it hardly larger than what is on it. */
  async leave(megabytes: number): Promise<void> {
    const used = Number((await this.#machine.exec(['df', '--output=used', '-k', this.#path])).split('\n').at(-1))
    await this.resize(`${used + megabytes * 1024}k`)
  }

  /** Makes it hardly larger than what is on it and writes until nothing goes on it any more. */
  async fill(): Promise<void> {
    await this.leave(0.5)
    const filled = await this.#machine.try(['dd', 'if=/dev/zero', `of=${this.#path}/fill`, 'bs=4k'])
    if (!filled.stderr.includes('No space left on device')) throw new Error(`it is not full: ${filled.stderr}`)
  }

  /** Makes room again. */
  async free(size: string): Promise<void> {
    await this.#machine.exec(['rm', '--force', `${this.#path}/fill`])
    await this.resize(size)
  }
}
