import { expect, test } from 'vitest'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } })

test('a whole Debian 13 runs, with nothing failed', async () => {
  const { machine } = host()
  expect(machine.read('/etc/debian_version')).toMatch(/^13/)
  expect(await machine.exec(['systemctl', 'is-system-running', '--wait'])).toBe('running')
  expect(await machine.exec(['ps', '-o', 'comm=', '-p', '1'])).toBe('systemd')
})

test('it has a place on its LAN, and what is on the LAN reaches it', async () => {
  const neighbour = await host().neighbour('lan10', 20)
  expect(await host().machine.exec(['ip', '-brief', 'address', 'show', 'lan10'])).toContain('10.77.10.1/24')
  const outpost = await Outpost.open(host().ledger, neighbour)
  // Nothing listens there; but it is there to say so.
  await expect(outpost.call('http', { url: 'http://10.77.10.1:9/' })).rejects.toThrow('ECONNREFUSED')
})

test('a command has its deadline, and its result is told', async () => {
  const { machine } = host()
  expect(await machine.try(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
    code: 3,
    stdout: 'out',
    stderr: 'err',
  })
  await expect(machine.exec(['sleep', '77'], { timeoutMilliseconds: 500 })).rejects.toThrow('sleep 77')
  expect((await machine.try(['pgrep', '-x', 'sleep'])).code).toBe(1)
})

test('its container engine pulls and runs an image of the registry', async () => {
  const { machine, registry } = host()
  await registry.start()
  const image = await registry.push('6.3')
  await machine.exec(['systemctl', 'start', 'podman.socket'])
  await machine.exec(['podman', 'pull', '--quiet', image])
  expect(
    await machine.exec(['podman', 'run', '--rm', '--entrypoint', '/opt/standin/node', image, '--version']),
  ).toMatch(/^v24/)
})

test('what it wrote is there after power-off and boot, on a network as new as after a real boot', async () => {
  const { machine } = host()
  const first = machine.pid
  machine.write('/root/kept', 'kept\n')
  await machine.exec(['ip', 'link', 'add', 'left', 'type', 'bridge'])
  await host().powerOff()
  expect(machine.running).toBe(false)
  await host().boot()
  expect(machine.pid).not.toBe(first)
  expect(machine.read('/root/kept')).toBe('kept\n')
  expect(await machine.exec(['ip', '-brief', 'link'])).not.toContain('left')
  expect((await machine.exec(['journalctl', '--list-boots', '--no-pager'])).split('\n').length).toBeGreaterThanOrEqual(
    2,
  )
})
