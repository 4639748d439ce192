import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../../scripts/lib/package/build.ts'
import { type Architecture, architectures } from '../../scripts/lib/package/node-runtime.ts'

const run = promisify(execFile)

let work = ''
const built = new Map<Architecture, { deb: string; unpacked: string }>()

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'omada-host-contents-'))
  for (const architecture of architectures) {
    const { path: deb } = await buildPackage({ architecture, outdir: work })
    const unpacked = join(work, architecture)
    await run('dpkg-deb', ['--raw-extract', deb, unpacked])
    built.set(architecture, { deb, unpacked })
  }
}, 900_000)
afterAll(() => rm(work, { recursive: true, force: true }))

function packageOf(architecture: Architecture): { deb: string; unpacked: string } {
  const found = built.get(architecture)
  if (found === undefined) throw new Error(`no package was built for ${architecture}`)
  return found
}

/** Mode, owner and path of everything in the package, as dpkg would install it. */
async function contents(architecture: Architecture): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await run('dpkg-deb', ['--contents', packageOf(architecture).deb], { maxBuffer: 2 ** 24 })
  const lines = stdout.trimEnd().split('\n')
  return new Map(
    lines.map((line) => {
      const [mode = '', owner = '', , , , ...path] = line.split(/\s+/)
      return [path.join(' ').replace(/^\./, ''), `${mode} ${owner}`]
    }),
  )
}

const field = async (architecture: Architecture, name: string) =>
  (await run('dpkg-deb', ['--field', packageOf(architecture).deb, name])).stdout.trim()

const text = (architecture: Architecture, path: string) =>
  readFile(join(packageOf(architecture).unpacked, path), 'utf8')

test.each(architectures)('%s has every part, owned by root, with modes that fit', async (architecture) => {
  const found = await contents(architecture)
  expect(Object.fromEntries(found)).toMatchObject({
    '/usr/lib/omada-host/omada-host': '-rwxr-xr-x root/root',
    '/usr/lib/omada-host/node': '-rwxr-xr-x root/root',
    '/usr/lib/omada-host/main.js': '-rw-r--r-- root/root',
    '/usr/lib/omada-host/package.json': '-rw-r--r-- root/root',
    '/usr/bin/omada-host -> ../lib/omada-host/omada-host': 'lrwxrwxrwx root/root',
    '/usr/lib/systemd/system/omada-host.service': '-rw-r--r-- root/root',
    '/usr/lib/systemd/system/omada-host-edge.service': '-rw-r--r-- root/root',
    '/usr/lib/sysusers.d/omada-host.conf': '-rw-r--r-- root/root',
    '/usr/lib/tmpfiles.d/omada-host.conf': '-rw-r--r-- root/root',
    '/usr/lib/sysctl.d/30-omada-host.conf': '-rw-r--r-- root/root',
    '/usr/lib/firewalld/services/omada-host.xml': '-rw-r--r-- root/root',
    '/etc/ufw/applications.d/omada-host': '-rw-r--r-- root/root',
    '/etc/omada-host/config.yaml': '-rw-r----- root/root',
    '/usr/share/man/man8/omada-host.8.gz': '-rw-r--r-- root/root',
    '/usr/share/man/man5/omada-host.yaml.5.gz': '-rw-r--r-- root/root',
    '/usr/share/bash-completion/completions/omada-host': '-rw-r--r-- root/root',
    '/usr/share/doc/omada-host/copyright': '-rw-r--r-- root/root',
    '/usr/share/doc/omada-host/changelog.gz': '-rw-r--r-- root/root',
  })
  for (const [path, entry] of found) {
    expect.soft(entry, path).toMatch(/^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|-rw-r-----|lrwxrwxrwx) root\/root$/)
    expect.soft(path).not.toMatch(/\.map$|meta\.json$/)
  }
})

test.each(architectures)('%s says what it is and what it needs', async (architecture) => {
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(await field(architecture, 'Package')).toBe('omada-host')
  expect(await field(architecture, 'Version')).toBe(manifest.version)
  expect(await field(architecture, 'Architecture')).toBe(architecture)
  expect(await field(architecture, 'Depends')).toMatch(/^podman \| docker\.io \| docker-ce, /)
  expect(await field(architecture, 'Recommends')).toContain('skopeo')
  expect(Number(await field(architecture, 'Installed-Size'))).toBeGreaterThan(100_000)
})

test('what lies in /etc is the user’s to change, and nothing else is', async () => {
  const inEtc = [...(await contents('amd64')).keys()].filter((path) => path.startsWith('/etc/') && !path.endsWith('/'))
  expect((await text('amd64', 'DEBIAN/conffiles')).trim().split('\n').sort()).toEqual(inEtc.sort())
})

test('every file but those has its sum', async () => {
  const { unpacked } = packageOf('amd64')
  const { stdout } = await run('md5sum', ['--check', '--strict', 'DEBIAN/md5sums'], {
    cwd: unpacked,
    maxBuffer: 2 ** 24,
  })
  const checked = stdout.trim().split('\n')
  const files = [...(await contents('amd64'))].filter(
    ([path, mode]) => mode.startsWith('-') && !path.startsWith('/etc/'),
  )
  expect(checked).toHaveLength(files.length)
})

test.each([
  ['amd64', 62],
  ['arm64', 183],
] as const)('%s brings along a Node.js of its own machine', async (architecture, machine) => {
  const file = await open(join(packageOf(architecture).unpacked, 'usr/lib/omada-host/node'))
  try {
    const { buffer } = await file.read(Buffer.alloc(20), 0, 20, 0)
    expect(buffer.subarray(0, 4).toString('latin1')).toBe('\u007fELF')
    // e_machine of elf(5).
    expect(buffer.readUInt16LE(18)).toBe(machine)
  } finally {
    await file.close()
  }
})

test('the two differ in nothing but Node.js and what tells of it', async () => {
  const [amd64, arm64] = await Promise.all(architectures.map((architecture) => text(architecture, 'DEBIAN/md5sums')))
  const other = (sums = '') => sums.split('\n').filter((line) => !line.endsWith('  usr/lib/omada-host/node'))
  expect(other(arm64)).toEqual(other(amd64))
})

test('the same sources make the same bytes', async () => {
  const again = join(work, 'again')
  const { path } = await buildPackage({ architecture: 'amd64', outdir: again })
  expect((await readFile(path)).equals(await readFile(packageOf('amd64').deb))).toBe(true)
}, 300_000)

test('what the units start is in the package, and runs', async () => {
  const native = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const { unpacked } = packageOf(native)
  const found = await contents(native)
  for (const unit of ['omada-host', 'omada-host-edge']) {
    const program = /^ExecStart=(\S+)/m.exec(await text(native, `usr/lib/systemd/system/${unit}.service`))?.[1]
    expect(found.get(program ?? '')).toMatch(/^-rwxr-xr-x/)
  }
  expect(await text(native, 'usr/lib/omada-host/omada-host')).toContain(
    'exec /usr/lib/omada-host/node /usr/lib/omada-host/main.js "$@"',
  )
  const library = join(unpacked, 'usr/lib/omada-host')
  const { stdout } = await run(join(library, 'node'), [join(library, 'main.js'), 'version'])
  expect(stdout).toBe(`omada-host ${await field(native, 'Version')} (Node.js ${process.versions.node})\n`)
})

test('its copyright names every npm package that is bundled', async () => {
  const copyright = await text('amd64', 'usr/share/doc/omada-host/copyright')
  for (const name of ['commander', 'dockerode', 'fastify', 'mongodb', 'pino', 'yaml', 'zod', 'Node.js']) {
    expect.soft(copyright).toMatch(new RegExp(`^${name.replace('.', '\\.')} \\d+\\.\\d+\\.\\d+[, ]`, 'm'))
  }
})

test('lintian has nothing to say', async ({ skip }) => {
  if (!(await isInstalled('lintian'))) skip('lintian is not installed')
  // One of the two, which differ in nothing that it looks at: it takes its time.
  const argv = ['--allow-root', '--fail-on', 'error,warning', packageOf('amd64').deb]
  const said = await run('lintian', argv).catch((error: { stdout: string }) => error)
  expect(said.stdout).toBe('')
}, 300_000)

async function isInstalled(program: string): Promise<boolean> {
  return await run('sh', ['-c', 'command -v "$1"', 'sh', program]).then(
    () => true,
    () => false,
  )
}
