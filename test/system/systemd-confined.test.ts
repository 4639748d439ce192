import { expect, test } from 'vitest'
import { edgeUnit, hostUnit } from './support/installed-appliance.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, (opened) => opened.startAppliance())

/** Connects to each path named; prints a JSON object of what came of it: `connected` or the system's error code. */
const connect = `
const results = {}
let open = process.argv.length - 1
for (const path of process.argv.slice(1)) {
  const done = (result) => {
    results[path] = result
    socket.destroy()
    if (--open === 0) console.log(JSON.stringify(results))
  }
  const socket = require('net').connect(path, () => done('connected'))
  socket.on('error', (error) => done(error.code))
}`

/** The argv that runs a command as a service's process is: in its mount namespace, as its user and its groups. */
async function as(unit: string, argv: readonly string[]): Promise<string[]> {
  const { machine } = host()
  const pid = (await machine.show(unit, 'MainPID')).MainPID ?? ''
  const status = machine.read(`/proc/${pid}/status`)
  const ids = (name: string) =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)?.[1]?.split(/\s+/).filter(Boolean) ?? []
  const groups = ids('Groups').join(',')
  return [
    ...['nsenter', '--target', pid, '--mount', '--'],
    ...['setpriv', `--reuid=${ids('Uid')[1]}`, `--regid=${ids('Gid')[1]}`],
    groups === '' ? '--clear-groups' : `--groups=${groups}`,
    ...['--bounding-set=-all', '--no-new-privs', '--', ...argv],
  ]
}

const node = '/usr/lib/omada-host/node'
const sockets = {
  engine: '/run/podman/podman.sock',
  control: '/run/omada-host/control.sock',
  state: '/run/omada-host/state.sock',
}

async function reach(unit: string): Promise<Record<string, string>> {
  const argv = await as(unit, [node, '-e', connect, ...Object.values(sockets)])
  return JSON.parse(await host().machine.exec(argv)) as Record<string, string>
}

test('the edge reaches the state of the host, and neither the engine nor the control socket', async () => {
  const reached = await reach(edgeUnit)
  expect(reached[sockets.state]).toBe('connected')
  expect(reached[sockets.control]).toBe('EACCES')
  expect(reached[sockets.engine]).toMatch(/^(EACCES|ENOENT)$/)
})

test('the same trial does reach all of them as the host: it tries what it says', async () => {
  expect(new Set(Object.values(await reach(hostUnit)))).toEqual(new Set(['connected']))
})

test('the edge has no capability, may gain none, and is nobody whom the machine knows', async () => {
  const { machine } = host()
  const pid = (await machine.show(edgeUnit, 'MainPID')).MainPID
  const status = machine.read(`/proc/${pid}/status`)
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    expect(status).toMatch(`${set}:\t0000000000000000`)
  expect(status).toMatch(/NoNewPrivs:\t1/)
  expect(status).toMatch(/Seccomp:\t2/)
  expect(Number(/^Uid:\t(\d+)/m.exec(status)?.[1])).toBeGreaterThan(60_000)
})

test('it can write nowhere but to its own directories', async () => {
  const { machine } = host()
  const places = ['/etc', '/usr/lib/omada-host', '/run/omada-host', '/var/lib/containers', '/root', '/home']
  const script = 'for d in "$@"; do if touch "$d/.tried" 2>/dev/null; then echo "$d"; fi; done'
  const tried = await machine.exec(await as(edgeUnit, ['sh', '-c', script, 'sh', ...places]))
  expect(tried).toBe('')
  const own = ['/run/omada-host-edge', '/run/omada-host-edge-kept', '/var/lib/omada-host-edge']
  const written = await machine.exec(await as(edgeUnit, ['sh', '-c', script, 'sh', ...own]))
  expect(written.split('\n')).toEqual(own)
})

test('whoever is not in the group does not even read the state', async () => {
  const argv = [
    'setpriv',
    '--reuid=nobody',
    '--regid=nogroup',
    '--clear-groups',
    '--',
    node,
    '-e',
    connect,
    sockets.state,
  ]
  expect(JSON.parse(await host().machine.exec(argv))).toEqual({ [sockets.state]: 'EACCES' })
})
