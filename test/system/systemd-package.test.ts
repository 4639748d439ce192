import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../../scripts/lib/package/build.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } })
const versions = ['0.1.1', '0.1.2', '0.1.3'] as const

let directory = ''
const packages = new Map<string, string>()
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omada-host-versions-'))
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  for (const version of versions) {
    packages.set(version, (await buildPackage({ architecture, outdir: directory, version })).path)
  }
  await withOtherContainer(packages.get('0.1.2') ?? '')
}, 600_000)
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Makes a package that of a program which wants another container: one whose log is kept for longer. */
async function withOtherContainer(deb: string): Promise<void> {
  const tree = join(directory, 'tree')
  await command(['dpkg-deb', '--raw-extract', deb, tree])
  const library = join(tree, 'usr/lib/omada-host')
  let changes = 0
  for (const file of await readdir(library, { recursive: true })) {
    if (!file.endsWith('.js')) continue
    const text = await readFile(join(library, file), 'utf8')
    const other = text.replace(/\blogMegabytes = 20\b/, 'logMegabytes = 21')
    changes += other === text ? 0 : 1
    await writeFile(join(library, file), other)
  }
  if (changes !== 1) throw new Error(`the container of ${deb} was changed in ${changes} places`)
  await command(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '--build', tree, deb], {
    timeoutMilliseconds: 300_000,
  })
}

const podman = (...args: string[]) => host().machine.exec(['podman', ...args])
const containerPid = () => podman('inspect', '--format', '{{.State.Pid}}', 'omada-controller')
const mainPid = async (unit: string) => (await host().machine.show(unit, 'MainPID')).MainPID
const activeState = async (unit: string) => (await host().machine.show(unit, 'ActiveState')).ActiveState
const apt = (...args: string[]) => host().machine.exec(['apt-get', '--yes', ...args], { timeoutMilliseconds: 180_000 })

const probing = () => host().machine.exec(['cat', '/proc/sys/net/ipv4/tcp_mtu_probing'])
const sysctlFile = '/usr/lib/sysctl.d/30-omada-host.conf'

/** `apt-get install`, as one types it: nothing answers a question, and the configuration stays. */
async function install(version: (typeof versions)[number]): Promise<void> {
  const deb = packages.get(version) ?? ''
  const inside = join('/root', basename(deb))
  await host().machine.copyIn(deb, inside)
  await apt('-o', 'Dpkg::Options::=--force-confold', 'install', inside)
}

test('apt returns before the image is pulled; the service goes on by itself until it is ready', async () => {
  const { appliance, machine, registry } = host()
  // The registry is down: an apt that waited for the service would not come back.
  expect(await probing()).toBe('0')
  await install('0.1.1')
  expect(await probing()).toBe('1')
  expect(await machine.exec(['systemctl', 'is-enabled', hostUnit])).toBe('enabled')
  expect(await activeState(hostUnit)).toBe('activating')
  await registry.start()
  await registry.push('6.3')
  await appliance.phase('ready', 120_000)
})

test('an upgrade restarts both halves and leaves the container running, though it would be made otherwise now', async () => {
  const { appliance, machine } = host()
  const before = { container: await containerPid(), host: await mainPid(hostUnit), edge: await mainPid(edgeUnit) }
  await install('0.1.2')
  for (const [unit, pid] of [
    [hostUnit, before.host],
    [edgeUnit, before.edge],
  ] as const) {
    await eventually(
      async () => ({ pid: await mainPid(unit), state: await activeState(unit) }),
      (now) => now.pid !== pid && now.state === 'active',
      60_000,
    )
  }
  await appliance.phase('ready')
  expect(await containerPid()).toBe(before.container)
  expect(await machine.exec(['omada-host', 'version'])).toMatch(/^omada-host 0\.1\.2 /)
})

test('what a restart takes over is told, and taken over by it', async () => {
  const { appliance } = host()
  const size = () => podman('inspect', '--format', '{{.HostConfig.LogConfig.Size}}', 'omada-controller')
  const told = async () =>
    (await appliance.hostState()).warnings.filter(({ code }) => code === 'CONTAINER_OUTDATED').map((one) => one.message)
  expect(await told()).toEqual([
    expect.stringMatching(/omada-host 0\.1\.1 made; .* 0\.1\.2 .*: how much of its log is kept$/),
  ])
  expect(await size()).toBe('20MB')
  expect(await appliance.command(['restart'], 150_000)).toMatchObject({ code: 0 })
  await appliance.phase('ready')
  expect(await size()).toBe('21MB')
  expect(await told()).toEqual([])
  expect((await appliance.dataHistory()).slice(-2)).toEqual(['clean-stop', 'clean-start'])
})

test('an upgrade leaves alone what was stopped or disabled', async () => {
  const { appliance, machine } = host()
  expect(await appliance.systemctl('stop')).toMatchObject({ code: 0 })
  await machine.exec(['systemctl', 'disable', hostUnit])
  // Neither is a setting of the kernel that the administrator wants otherwise.
  await writeFile(machine.path('/etc/sysctl.d/90-own.conf'), 'net.ipv4.tcp_mtu_probing = 2\n')
  await install('0.1.3')
  expect(await probing()).toBe('2')
  expect(await activeState(hostUnit)).toBe('inactive')
  expect((await machine.try(['systemctl', 'is-enabled', hostUnit])).stdout).toBe('disabled')
  await machine.exec(['systemctl', 'enable', hostUnit])
  expect(await appliance.systemctl('start')).toMatchObject({ code: 0 })
})

test('a removal stops the controller with its grace and keeps configuration and data', async () => {
  const { appliance, machine } = host()
  appliance.configure()
  await apt('remove', 'omada-host')
  expect(await podman('ps', '--format', '{{.Names}}')).toBe('')
  expect((await appliance.dataHistory()).at(-1)).toBe('clean-stop')
  expect(existsSync(machine.path('/etc/omada-host/config.yaml'))).toBe(true)
  expect(existsSync(machine.path('/usr/lib/omada-host'))).toBe(false)
  expect(existsSync(machine.path(sysctlFile))).toBe(false)
})

test('installed again, it starts by itself with the same data', async () => {
  const { appliance } = host()
  await install('0.1.3')
  await appliance.phase('ready', 120_000)
})

test('a purge takes what omada-host made and never the volumes, and tells how to', async () => {
  const { machine } = host()
  const said = await apt('purge', 'omada-host')
  expect(said).toContain('podman volume rm omada-data omada-logs')
  for (const path of [
    '/etc/omada-host',
    '/etc/ufw/applications.d/omada-host',
    '/var/lib/omada-host-edge',
    '/var/lib/private/omada-host-edge',
    '/usr/lib/omada-host',
    '/run/omada-host',
  ]) {
    expect.soft(existsSync(machine.path(path)), path).toBe(false)
  }
  expect((await machine.try(['getent', 'group', 'omada-host'])).code).toBe(2)
  expect(await machine.exec(['find', '/etc/systemd', '/var/lib/systemd', '-name', '*omada*'])).toBe('')
  expect((await podman('volume', 'ls', '--quiet')).split('\n').sort()).toEqual(['omada-data', 'omada-logs'])
})
