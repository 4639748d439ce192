import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SystemdMachine } from './systemd-machine.ts'

const library = '/usr/lib/omada-host-test/libfaketime.so'
const file = '/etc/omada-host-test/clock'

/** Debian's libfaketime on this machine, by its architecture's directory; undefined where it is not installed. */
function libfaketime(): string | undefined {
  const libraries = '/usr/lib'
  const paths = readdirSync(libraries).map((name) => join(libraries, name, 'faketime/libfaketimeMT.so.1'))
  return paths.find((path) => existsSync(path))
}

/**
 * A wall clock of the test's own for some services of a machine, and for nobody else: libfaketime between them and the
 * kernel. The monotonic clock stays true, as it does when an administrator or NTP sets the real one.
 */
export class FalseClock {
  readonly #machine: SystemdMachine

  private constructor(machine: SystemdMachine) {
    this.#machine = machine
  }

  /** From their next start on, the units see this clock. @throws Error when libfaketime is missing */
  static async install(machine: SystemdMachine, units: readonly string[]): Promise<FalseClock> {
    const found = libfaketime()
    if (found === undefined) throw new Error('libfaketime is missing: scripts/test installs it')
    await machine.exec(['mkdir', '--parents', '/usr/lib/omada-host-test'])
    await machine.copyIn(found, library)
    const variables = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      // Read at every look: a jump is one, and not some seconds of both times.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    const lines = Object.entries(variables).map(([name, value]) => `Environment=${name}=${value}\n`)
    for (const unit of units) machine.write(`/etc/systemd/system/${unit}.d/clock.conf`, `[Service]\n${lines.join('')}`)
    await machine.exec(['systemctl', 'daemon-reload'])
    const clock = new FalseClock(machine)
    await clock.set(0)
    return clock
  }

  /** Sets it so many seconds off the true one. */
  async set(seconds: number): Promise<void> {
    const sign = seconds < 0 ? '-' : '+'
    this.#machine.write(`${file}.new`, `${sign}${Math.abs(seconds)}\n`)
    // Whole at every moment.
    await this.#machine.exec(['mv', `${file}.new`, file])
  }
}
