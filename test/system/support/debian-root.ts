import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../support/command.ts'
import { exclusively } from '../../support/exclusively.ts'
import { Ledger } from '../../support/ledger.ts'

/** Outlives test runs: making a root takes minutes. */
export const rootCache = '/var/cache/omada-host-test'

export const suite = 'trixie'

/** On every Debian host of these tests. Of ufw's dependencies, python3 is the heavy one. */
const common = ['systemd', 'systemd-sysv', 'dbus', 'nftables', 'iproute2', 'procps', 'ca-certificates', 'ufw']
const engines = {
  podman: ['podman', 'crun', 'netavark', 'aardvark-dns', 'skopeo'],
  // docker-cli and skopeo come with it wherever apt is let to install what packages recommend.
  docker: ['docker.io', 'docker-cli', 'iptables', 'skopeo', 'netavark'],
} as const

/** The container engine that a host is installed with; it has no other one. */
export type HostEngine = keyof typeof engines

/**
 * Makes the file system of a Debian 13 host with debootstrap, or finds the one made before from the same list of packages.
 * It is never booted nor written to: a host is an overlay on it. Of several callers the first makes it; the others wait.
 * @throws Error with the end of debootstrap's output
 */
export async function debianRoot(engine: HostEngine): Promise<string> {
  if (hasDebianRoot(engine)) return rootPath(engine)
  mkdirSync(rootCache, { recursive: true })
  await exclusively(join(rootCache, 'lock'), async () => {
    if (!hasDebianRoot(engine)) await makeRoot(engine)
  })
  return rootPath(engine)
}

async function makeRoot(engine: HostEngine): Promise<void> {
  const packages = packagesFor(engine)
  const ledger = await Ledger.open('making-', rootCache)
  try {
    const made = join(ledger.directory, 'root')
    const debs = join(rootCache, 'debs')
    mkdirSync(debs, { recursive: true })
    const include = `--include=${packages.join(',')}`
    const argv = [
      'debootstrap',
      '--variant=minbase',
      `--cache-dir=${debs}`,
      include,
      suite,
      made,
      ...(await debianMirror()),
    ]
    // In namespaces of its own: what it mounts and starts ends with it.
    await command(['unshare', '--mount', '--pid', '--fork', '--kill-child', '--', ...argv], {
      environment: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMilliseconds: 1_200_000,
    })
    await command(['chroot', made, 'sh', '-euc', settings])
    writeFileSync(join(made, marker), `${JSON.stringify({ suite, packages })}\n`)
    for (const old of await readdir(rootCache)) {
      if (old.startsWith(`${suite}-${engine}-`)) await rm(join(rootCache, old), { recursive: true, force: true })
    }
    await rename(made, rootPath(engine))
  } finally {
    await ledger.close()
  }
}

/** True when one was made before. */
export function hasDebianRoot(engine: HostEngine): boolean {
  return existsSync(join(rootPath(engine), marker))
}

function rootPath(engine: HostEngine): string {
  const key = createHash('sha256').update(JSON.stringify([suite, packagesFor(engine), settings]))
  return join(rootCache, `${suite}-${engine}-${key.digest('hex').slice(0, 12)}`)
}

function packagesFor(engine: HostEngine): string[] {
  return [...common, ...engines[engine]]
}

/** Written last: a root without it is not whole. */
const marker = 'etc/omada-host-test.json'

/**
 * The journal outlives a reboot. What belongs to a machine and not to a namespace is masked: kernel modules, kernel
 * settings, the consoles. A machine-id is made by each host's first boot. Whoever made the root is not copied into it.
 */
const settings = `
mkdir -p /var/log/journal
: >/etc/machine-id
: >/etc/resolv.conf
rm -f /etc/hostname
rm -f /var/cache/apt/archives/*.deb
for unit in systemd-modules-load.service systemd-sysctl.service systemd-udevd.service systemd-remount-fs.service \
  getty@.service console-getty.service serial-getty@.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer sys-kernel-debug.mount sys-kernel-tracing.mount \
  sys-fs-fuse-connections.mount dev-hugepages.mount; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
`

/** The mirror that this machine's own apt takes Debian from; none leaves the choice to debootstrap. */
export async function debianMirror(): Promise<string[]> {
  // apt itself reads its sources in either syntax.
  const format = ['indextargets', '--format', '$(REPO_URI) $(COMPONENT)', 'Created-By: Packages']
  const targets = await command(['apt-get', ...format]).catch(() => '')
  const mirror = targets.split('\n').find((line) => line.endsWith('/debian/ main'))
  return mirror?.split(' ').slice(0, 1) ?? []
}
