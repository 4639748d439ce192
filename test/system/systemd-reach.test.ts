import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { eventually } from '../support/eventually.ts'
import type { HostEngine } from './support/debian-root.ts'
import { namesInside, serveNamesIn } from './support/name-server.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const address = '10.77.10.1'
const neighbour = '10.77.10.30'
/** Beyond the neighbour, where the default route leads. */
const internet = '198.51.100.7'
const mongod = fileURLToPath(new URL('support/mongod-main.ts', import.meta.url))

// A machine with a database for the controller, on a LAN with a name server and a way to the internet.
describe.each<HostEngine>(['podman', 'docker'])('with %s', (engine) => {
  const host = systemdHost({ engine, lans: { lan10: `${address}/24` } }, async (opened) => {
    const { ledger, machine, namespace } = opened
    const onLan = await opened.neighbour('lan10', 30)
    await onLan.run(['ip', 'address', 'add', `${internet}/32`, 'dev', 'lo'])
    await namespace.run(['ip', 'route', 'add', 'default', 'via', neighbour])
    await serveNamesIn(ledger, onLan, '192.0.2.81')
    machine.write('/etc/resolv.conf', `nameserver ${neighbour}\n`)
    const argv = namespace.enter([process.execPath, mongod, address, '27017'])
    const database = await Child.start(ledger, { what: 'mongod', argv, graceMilliseconds: 1000 })
    await database.line((line) => line === 'listens' || undefined, 20_000)
    await opened.startAppliance({ mongo: { uri: `mongodb://${address}/omada` }, controller: { egress: 'internet' } })
  })

  /** Whether the container reaches a port: nobody listens on those that are asked for but the database, whose words are not waited for. */
  const reached = async (target: string, port: number) => {
    const pid = (await host().appliance.container()).split(' ')[1] ?? ''
    const script =
      `require('net').connect({ host: '${target}', port: ${port}, timeout: 2000 }, () => { console.log('yes'); process.exit() })` +
      `.on('error', (e) => console.log(e.code === 'ECONNREFUSED' ? 'yes' : 'no'))` +
      `.on('timeout', () => { console.log('no'); process.exit() })`
    const enter = ['nsenter', '--target', pid, '--net', '--', '/usr/lib/omada-host/node']
    return await host().machine.exec([...enter, '-e', script])
  }
  const all = async (...targets: readonly [string, number][]) =>
    (await Promise.all(targets.map(([target, port]) => reached(target, port)))).join(' ')
  const refused = async () => {
    const { warnings } = await host().appliance.hostState()
    return warnings.filter(({ code }) => code === 'REACH_REFUSED').map(({ message }) => message)
  }

  test('it works: its database on this machine, names, and the internet it reaches', async () => {
    expect((await host().appliance.hostState()).phase).toBe('ready')
    expect((await namesInside(host().engine)).address).toBe('192.0.2.81')
    expect(await all([address, 27_017], [internet, 443])).toBe('yes yes')
  })

  test('neither the other ports of this machine, nor its LAN; each try is told once', async () => {
    expect(await all([address, 8090], ['10.129.81.1', 22], [neighbour, 25])).toBe('no no no')
    const told = await eventually(refused, (messages) => messages.length >= 3)
    for (const target of [`${address}:8090`, '10.129.81.1:22', `${neighbour}:25`]) {
      expect(told.filter((message) => message.includes(`${target} (TCP)`))).toHaveLength(1)
    }
  })

  test('what is listed it reaches after a reload, and nothing is told any more', async () => {
    const { appliance, machine } = host()
    const container = await appliance.container()
    const change = (controller: object) => {
      appliance.configure({ mongo: { uri: `mongodb://${address}/omada` }, controller })
      return machine.exec(['systemctl', 'reload', 'omada-host'])
    }
    await change({ egress: 'none', reach: [`${neighbour}:25`, '10.129.81.1'] })
    await eventually(
      () => all([neighbour, 25], ['10.129.81.1', 22], [neighbour, 26], [internet, 443], [address, 27_017]),
      (now) => now === 'yes yes no no yes',
    )
    expect((await namesInside(host().engine)).address).toBe('192.0.2.81')
    await eventually(refused, (messages) => !messages.join().includes('10.129.81.1:22'))
    expect(await appliance.container()).toBe(container)
    await change({})
    await eventually(
      () => all([neighbour, 26], [internet, 443], [address, 8090]),
      (now) => now === 'yes yes no',
    )
  })

  test('its root has what the entrypoint needs, and nothing in it gains more', async () => {
    const pid = (await host().appliance.container()).split(' ')[1] ?? ''
    const status = host().machine.read(`/proc/${pid}/status`)
    // CHOWN, DAC_OVERRIDE, FOWNER, SETGID and SETUID.
    expect(status).toMatch(/^CapBnd:\t0{14}cb$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    const inside = ['nsenter', '--target', pid, '--net', 'cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start']
    expect(await host().machine.exec(inside)).toBe('0')
  })
})
