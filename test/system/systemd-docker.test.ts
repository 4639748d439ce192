import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { HistoryEntry } from '../../src/core/warning-kinds.ts'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { namesInside, serveNames } from './support/name-server.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'
import { UsersContainers } from './support/users-containers.ts'

// A machine that has Docker and never had Podman, on which containers of its user's run already.
const address = '10.77.10.1'
let neighbour: Outpost
let others: UsersContainers
const host = systemdHost({ engine: 'docker', lans: { lan10: `${address}/24` } }, async (opened) => {
  await opened.registry.start()
  await opened.registry.push('6.3')
  const namespace = await opened.neighbour('lan10', 30)
  // Somebody made this route: see README.md, "What it does not protect against".
  await namespace.run(['ip', 'route', 'add', '10.129.81.0/24', 'via', address])
  neighbour = await Outpost.open(opened.ledger, namespace)
  await serveNames(opened.machine, '0.0.0.0', '192.0.2.81')
  opened.machine.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n')
  others = await UsersContainers.start(opened, { address, neighbour })
})

let ap: Device
const docker = (...args: string[]) => host().engine.run(args)
const state = () => host().appliance.hostState()
const statusText = async () => (await host().machine.show(hostUnit, 'StatusText')).StatusText ?? ''
const mainPid = async () => (await host().machine.show(hostUnit, 'MainPID')).MainPID
const informs = () => Number(ap.events('informed').at(-1)?.count ?? 0)

/** The device informs twice more, over the connection that it has or a new one. */
async function informed(): Promise<void> {
  const before = informs()
  await eventually(
    async () => informs(),
    (now) => now > before + 1,
  )
}

/** What the reconciler did since, when the controller is ready in a container that was started after `since`. */
async function repaired(since: string): Promise<string[]> {
  const after = await eventually(
    state,
    (now) => now.phase === 'ready' && (now.controller.startedAt ?? '') > since,
    90_000,
  )
  const ours = (entry: HistoryEntry) => entry.at > since && entry.subject === 'controller'
  return after.history.filter(ours).map((entry) => entry.message)
}

test('the package installs beside Docker, and brings no Podman', async () => {
  const { appliance, machine } = host()
  await appliance.install({ start: false })
  expect((await machine.try(['sh', '-c', 'command -v podman'])).code).not.toBe(0)
  expect(await machine.exec(['omada-host', 'doctor'])).toMatch(/^ok +engine +docker \d.* on \/var\/run\/docker\.sock/m)
  await others.reachable()
})

test('systemctl start tells how the pull goes, and returns when the controller is ready; nothing else notices', async () => {
  const { appliance, machine } = host()
  appliance.configure()
  // A registry as far away as they are: it takes some seconds.
  const shape = (...args: string[]) => machine.exec(['tc', 'qdisc', ...args])
  await shape('add', 'dev', 'lo', 'root', 'tbf', 'rate', '200mbit', 'burst', '256kb', 'latency', '400ms')
  const texts = new Set<string>()
  const watching = new AbortController()
  const watched = (async () => {
    while (!watching.signal.aborted) texts.add(await statusText())
  })()
  const started = await appliance.systemctl('start')
  watching.abort()
  await watched
  await shape('delete', 'dev', 'lo', 'root')
  expect(started).toEqual({ code: 0, stdout: '', stderr: '' })
  expect([...texts].join('\n')).toMatch(/^Pulling image \d+ % \(\S+ [kMG]?B of \S+ [kMG]?B\)/m)
  const shown = await machine.exec(['systemctl', 'status', '--no-pager', hostUnit, edgeUnit])
  expect(shown.match(/Active: active \(running\)/g)).toHaveLength(2)
  expect(shown).toContain('Status: "Ready: the controller is ready')
  expect((await neighbour.call('http', { url: `https://${address}:8043/login` })).status).toBe(200)
  expect((await neighbour.call('http', { url: `http://${address}:8090/readyz` })).status).toBe(200)
  // The container's own healthcheck is off, and none of its ports is published.
  expect(await docker('ps', '--filter', 'name=omada-controller', '--format', '{{.Status}} {{.Ports}}')).not.toMatch(
    /health|->/,
  )
  // Nobody gets to it past the edge, and it resolves names by the server that the machine asks on its loopback.
  const direct = neighbour.call('http', { url: 'https://10.129.81.10:8043/login', deadlineMilliseconds: 5000 })
  await expect(direct).rejects.toThrow()
  expect((await namesInside(host().engine)).address).toBe('192.0.2.81')
  await others.reachable()
})

test('a device that announces by broadcast is adopted and stays connected; the phone app finds the controller', async () => {
  ap = await host().device('lan10', 11, { class: 'ap', mac: 'AA-BB-CC-10-00-11', name: 'Lobby' })
  expect(await adopt(host().operator, ap)).toMatchObject({ address, port: 29814 })
  await informed()
  const [seen] = (await host().appliance.edgeState()).devices
  expect(seen).toMatchObject({ address: '10.77.10.11', adoption: 'connected' })
  const app = await host().device('lan10', 15, { class: 'app', mac: 'AA-BB-CC-10-00-15', name: 'Phone' })
  expect(await app.event('answered', 30_000)).toMatchObject({ from: address, port: 27001 })
})

test("the controller's log, and what doctor and netcheck say; Docker's own bridges are no networks of devices", async () => {
  const { appliance } = host()
  expect((await appliance.command(['logs'])).stdout).toContain('Omada Controller started')
  const doctor = await appliance.command(['doctor'])
  for (const check of ['engine', 'subnet', 'ports']) expect(doctor.stdout).toMatch(new RegExp(`^ok +${check}`, 'm'))
  expect(doctor).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n0 to mend/) })
  const { stdout } = await appliance.command(['netcheck'], 120_000)
  expect(stdout).toMatch(new RegExp(`^ok +answers out .* from ${address}:29810 on lan10$`, 'm'))
  expect(stdout).toMatch(/^ok +firewall +on lan10 no rule/m)
  expect(stdout).toMatch(/^ok +port 29814/m)
  expect(stdout).not.toMatch(/docker0|br-/)
  // The clock is not this host's to keep.
  expect(stdout.match(/^fail .*/gm)).toEqual([expect.stringContaining('CLOCK_UNSYNCHRONISED')])
})

test("the edge cannot reach Docker's socket", async () => {
  const { machine } = host()
  const edge = (await machine.show(edgeUnit, 'MainPID')).MainPID ?? ''
  const uid = /^Uid:\s+(\d+)/m.exec(machine.read(`/proc/${edge}/status`))?.[1] ?? ''
  const connect = `const s = require('net').connect('/run/docker.sock', () => { console.log('connected'); s.destroy() }).on('error', (e) => console.log(e.code))`
  const from = (pid = '', ...who: string[]) =>
    machine.exec(['nsenter', '--target', pid, '--mount', '--', ...who, '/usr/lib/omada-host/node', '-e', connect])
  const user = ['setpriv', `--reuid=${uid}`, '--clear-groups', '--bounding-set=-all', '--']
  expect(await from(edge, ...user)).toMatch(/^(EACCES|ENOENT)$/)
  expect(await from(await mainPid())).toBe('connected')
})

test('host restarted and killed: container, connection and the other containers stay', async () => {
  const { appliance, machine } = host()
  const before = await appliance.container()
  const first = await mainPid()
  expect((await appliance.systemctl('restart')).code).toBe(0)
  const second = await mainPid()
  expect(second).not.toBe(first)
  await machine.exec(['systemctl', 'kill', '--signal=KILL', hostUnit])
  await eventually(mainPid, (pid) => pid !== second && pid !== '0')
  await appliance.phase('ready')
  await informed()
  expect(await appliance.container()).toBe(before)
  expect(ap.count('disconnected')).toBe(0)
  await others.reachable()
})

test('the container is removed behind its back: it is made again, with the same data', async () => {
  const since = (await state()).controller.startedAt ?? ''
  const gone = new Date().toISOString()
  // At once: a second later it would have been started again.
  await host().machine.exec(['sh', '-euc', 'docker stop --time=60 omada-controller && docker rm omada-controller'])
  const done = await repaired(gone > since ? gone : since)
  expect(done.filter((message) => !message.includes('stopped by somebody else'))).toEqual([
    'somebody else removed or renamed the container',
    'created the container',
    'started the container',
  ])
  expect(await host().appliance.dataHistory()).toEqual(['first-start', 'clean-stop', 'clean-start'])
  await informed()
})

test('Docker is restarted: the controller has its time to stop, and comes back by itself', async () => {
  const { machine } = host()
  const since = new Date().toISOString()
  const connections = ap.count('connected')
  // Longer than the ten seconds that Docker gives a container by itself.
  await host().operator.fault({ stopSeconds: 12 })
  await machine.exec(['systemctl', 'restart', 'docker.service'], { timeoutMilliseconds: 90_000 })
  expect(await repaired(since)).toEqual([
    'the controller was stopped by somebody else (exit code 143)',
    'started the container',
  ])
  expect((await host().appliance.dataHistory()).slice(-2)).toEqual(['clean-stop', 'clean-start'])
  await ap.event('connected', 60_000, () => ap.count('connected') > connections)
  expect(await machine.show(hostUnit, 'NRestarts')).toEqual({ NRestarts: '1' })
  await others.reachable()
})

test('Docker is restarted with live-restore: the controller does not notice, and its end is noticed still', async () => {
  const { appliance, engine, machine } = host()
  // Turned on for what runs from now on: Docker reads it on reload.
  await engine.configureDocker({ 'live-restore': true }, 'reload')
  const before = await appliance.container()
  const disconnects = ap.count('disconnected')
  const since = new Date().toISOString()
  await machine.exec(['systemctl', 'restart', 'docker.service'])
  await informed()
  const after = await eventually(
    state,
    (now) => now.phase === 'ready' && now.warnings.every(({ code }) => !code?.startsWith('ENGINE_')),
  )
  expect(after.history.filter((entry) => entry.at > since)).toEqual([])
  expect(await appliance.container()).toBe(before)
  expect(ap.count('disconnected')).toBe(disconnects)
  const killed = new Date().toISOString()
  await docker('kill', 'omada-controller')
  expect(await repaired(killed)).toEqual([
    expect.stringMatching(/stopped by somebody else, .*exit code 137/),
    'started the container',
  ])
  await others.reachable()
})

test('the image is known by the digest that the registry has', async () => {
  const image = 'docker://docker.io/mbentley/omada-controller:6.3'
  const remote = await host().machine.exec(['sh', '-c', 'skopeo inspect --raw "$1" | sha256sum', 'sh', image])
  expect((await state()).controller.digest).toBe(`sha256:${remote.split(' ')[0]}`)
})

test('power-off and boot: all of it comes back by itself', async () => {
  const { appliance } = host()
  const connections = ap.count('connected')
  // Docker outlives our stop: without it the service would wait for its whole grace. Some seconds are usual.
  const off = performance.now()
  await host().powerOff()
  expect(performance.now() - off).toBeLessThan(60_000)
  await host().boot()
  await appliance.phase('ready', 90_000)
  expect((await appliance.dataHistory()).slice(-2)).toEqual(['clean-stop', 'clean-start'])
  await ap.event('connected', 60_000, () => ap.count('connected') > connections)
  await others.reachable()
})

test("stopped with its grace, and purged: volumes and the user's containers stay", async () => {
  const { appliance, machine } = host()
  await host().operator.fault({ stopSeconds: 11 })
  expect(await appliance.systemctl('stop')).toMatchObject({ code: 0 })
  expect((await machine.show(hostUnit, 'ActiveState', 'Result')).ActiveState).toBe('inactive')
  expect((await appliance.dataHistory()).at(-1)).toBe('clean-stop')
  await others.reachable()
  await machine.exec(['rm', '/etc/omada-host/config.yaml'])
  const said = await machine.exec(['apt-get', '--yes', 'purge', 'omada-host'], { timeoutMilliseconds: 120_000 })
  await others.reachable()
  expect((await docker('ps', '--all', '--format', '{{.Names}}')).split('\n').sort()).toEqual([
    'app',
    'database',
    'website',
  ])
  expect(await docker('volume', 'ls', '--quiet')).toBe('omada-data\nomada-logs')
  // As the package and the README say it.
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
  for (const line of ['network rm omada', 'volume rm omada-data omada-logs']) {
    expect(said).toContain(`podman ${line}`)
    expect(readme).toContain(`podman ${line}`)
    await docker(...line.split(' '))
  }
  await others.reachable()
})
