import { messageOf } from '../../../src/core/errors.ts'
import { command } from '../../support/command.ts'
import { cgroup2Mount } from './cgroup.ts'
import { debianMirror, type HostEngine, hasDebianRoot, suite } from './debian-root.ts'

const programs = ['debootstrap', 'unshare', 'nsenter', 'setpriv', 'ip', 'docker-registry']

/**
 * What booting needs of the kernel, done with nothing at stake: user namespaces, which the edge's unit wants and a process
 * under chroot(2) may not have; an overlay, a proc and a cgroup file system.
 */
const rehearsal = `
unshare --user true
d=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && cd "$d" && mkdir lower upper work root
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
mkdir root/proc root/sys root/cgroup && mount -t proc proc root/proc && mount -t sysfs -o ro sysfs root/sys
mount -t cgroup2 cgroup2 root/cgroup
cd / && umount -l "$d" && rmdir "$d"
`

/** Why this machine cannot boot a SystemdHost, in words for whoever reads the test's report; undefined when it can. */
export async function whyNoSystemdHost(engine: HostEngine = 'podman'): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'not root: namespaces, mounts and containers need it'
  for (const program of programs) {
    const found = await command(['sh', '-c', `command -v ${program}`]).catch(() => undefined)
    if (found === undefined) return `${program} is missing: scripts/test installs it`
  }
  if (cgroup2Mount() === undefined) return 'no cgroup file system of version 2 is mounted: systemd needs one'
  const namespaces = ['unshare', '--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child']
  try {
    await command([...namespaces, 'sh', '-euc', rehearsal])
  } catch (error) {
    return `the kernel does not let this process make a host: ${messageOf(error)}`
  }
  if (hasDebianRoot(engine)) return undefined
  const [mirror] = await debianMirror()
  // debootstrap knows where else to go, and says so when it comes to nothing.
  if (mirror === undefined) return undefined
  const release = `${mirror}dists/${suite}/Release`
  const answer = await fetch(release, { method: 'HEAD', signal: AbortSignal.timeout(30_000) }).catch(messageOf)
  if (typeof answer === 'string') return `no Debian 13 was made here before, and ${release} is out of reach: ${answer}`
  return answer.ok ? undefined : `no Debian 13 was made here before, and ${release} answers ${answer.status}`
}
