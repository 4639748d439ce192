import { readFileSync } from 'node:fs'
import type { SystemdMachine } from './systemd-machine.ts'

/** What the appliance pulls when nothing is configured, without its tag. */
const defaultImage = 'docker.io/mbentley/omada-controller'

/** capabilities(7). */
const capSysResource = 24n

/**
 * Configures Podman on a machine for where it runs: containers without what this process may not give them (where it may
 * give everything the defaults stay), and the host's own registry, which speaks plain HTTP and stands in for docker.io:
 * the appliance's default image is the stand-in there.
 */
export function configurePodman(machine: SystemdMachine, registry: string): void {
  const lines = ['[containers]']
  // Podman asks for 1048576 open files and for every process there may be.
  if (!mayRaiseLimits()) lines.push('default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]')
  if (!machine.controllers.includes('pids')) lines.push('pids_limit = 0')
  machine.write('/etc/containers/containers.conf.d/omada-host-test.conf', `${lines.join('\n')}\n`)
  machine.write(
    '/etc/containers/registries.conf.d/omada-host-test.conf',
    [
      ['[[registry]]', `location = "${registry}"`, 'insecure = true'],
      ['[[registry]]', `prefix = "${defaultImage}"`, `location = "${registry}/omada-standin"`, 'insecure = true'],
    ]
      .map((lines) => `${lines.join('\n')}\n`)
      .join('\n'),
  )
}

function mayRaiseLimits(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  return ((BigInt(`0x${effective}`) >> capSysResource) & 1n) === 1n
}
