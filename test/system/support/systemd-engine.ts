import { readFileSync } from 'node:fs'
import type { SystemdMachine } from './systemd-machine.ts'

/** capabilities(7). */
const capSysResource = 24n

/**
 * Configures the engines of a machine for where it runs: containers without what this process may not give them, and a
 * registry on plain HTTP. On a machine that may everything Podman's own defaults stay.
 */
export function allowContainers(machine: SystemdMachine, registry: string): void {
  const lines = ['[containers]']
  // Podman asks for 1048576 open files and for every process there may be.
  if (!mayRaiseLimits()) lines.push('default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]')
  if (!machine.controllers.includes('pids')) lines.push('pids_limit = 0')
  machine.write('/etc/containers/containers.conf.d/omada-host-test.conf', `${lines.join('\n')}\n`)
  machine.write(
    '/etc/containers/registries.conf.d/omada-host-test.conf',
    `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`,
  )
}

function mayRaiseLimits(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n
}
