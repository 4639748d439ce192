import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ledger } from '../../support/ledger.ts'

/** Where cgroup v2 is mounted: alone at /sys/fs/cgroup, or below it on a machine that has v1 controllers, too. */
export function cgroup2Mount(): string | undefined {
  // proc_pid_mountinfo(5): field 5 is where, the one after the separator is the kind.
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    if (after.startsWith('cgroup2 ')) return before.split(' ')[4]
  }
  return undefined
}

/**
 * Makes a cgroup of version 2 that whatever is started in it cannot leave once it has a cgroup namespace.
 * @returns its directory, and the controllers that it has there; none where they are in use by version 1
 */
export function makeCgroup(ledger: Ledger, name: string): { directory: string; controllers: readonly string[] } {
  const mount = cgroup2Mount()
  if (mount === undefined) throw new Error('no cgroup of version 2 is mounted')
  const directory = join(mount, name)
  ledger.willMake(`cgroup ${directory}`, ['sh', '-euc', remove, 'sh', directory])
  for (const controller of words(join(mount, 'cgroup.controllers'))) {
    // Not possible for each of them on every machine: what it then lacks shows below.
    try {
      writeFileSync(join(mount, 'cgroup.subtree_control'), `+${controller}`)
    } catch {}
  }
  mkdirSync(directory)
  return { directory, controllers: words(join(directory, 'cgroup.controllers')) }
}

/** Ends what is still in it; a process that was killed takes a moment to be gone. */
const remove = `
[ -d "$1" ] || exit 0
echo 1 >"$1/cgroup.kill"
for try in $(seq 100); do
  ! grep -q 'populated 1' "$1/cgroup.events" || { sleep 0.1; continue; }
  exec find "$1" -depth -type d -exec rmdir {} +
done
echo "processes of $1 do not end: $(cat "$1/cgroup.procs")" >&2
exit 1
`

function words(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split(/\s+/).filter(Boolean) : []
}
