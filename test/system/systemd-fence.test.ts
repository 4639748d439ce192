import { describe, expect, test } from 'vitest'
import { encodeFrame } from '../../src/omada/frame.ts'
import { eventually } from '../support/eventually.ts'
import type { HostEngine } from './support/debian-root.ts'
import { hostUnit } from './support/installed-appliance.ts'
import { Outpost } from './support/outpost.ts'
import { systemdHost } from './support/systemd-fixture.ts'

const controller = '10.129.81.10'
const devices = '10.77.10.1'
const guests = '10.77.20.1'
/** The controller's web port, a device port, and its database's. */
const ports = [8043, 29814, 27217]

describe.each<HostEngine>(['podman', 'docker'])('with %s', (engine) => {
  let guest: Outpost
  let neighbour: Outpost
  const host = systemdHost({ engine, lans: { lan10: `${devices}/24`, lan20: `${guests}/24` } }, async (opened) => {
    // As where something turned forwarding on before the engine did: Docker then drops nothing of it.
    await opened.machine.exec(['sysctl', '--write', 'net.ipv4.ip_forward=1'])
    if (engine === 'docker') await opened.machine.exec(['iptables', '-P', 'FORWARD', 'ACCEPT'])
    await opened.startAppliance({ access: { devices: ['lan10'], management: ['lan10'], guests: ['lan20'] } })
    const onGuests = await opened.neighbour('lan20', 66)
    await onGuests.run(['ip', 'route', 'add', '10.129.81.0/24', 'via', guests])
    guest = await Outpost.open(opened.ledger, onGuests)
    const onDevices = await opened.neighbour('lan10', 30)
    for (const address of [controller, '10.129.81.77']) {
      await onDevices.run(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo'])
    }
    neighbour = await Outpost.open(opened.ledger, onDevices)
  })
  const table = async () => (await host().machine.try(['nft', 'list', 'table', 'inet', 'omada-host'])).code === 0
  const mainPid = async () => (await host().machine.show(hostUnit, 'MainPID')).MainPID ?? ''
  const doctor = async () => /^(\w+) +isolation .*$/m.exec((await host().appliance.command(['doctor'])).stdout)

  const flushed = async () =>
    (await host().appliance.hostState()).warnings.find(({ code }) => code === 'FILTER_FLUSHED')

  /** What the guest's try to reach the controller itself comes to: `secured`, or that there was no answer. */
  const attack = async (port: number, deadlineMilliseconds = 3000) => {
    const { result, handle } = await guest.call('hold', { address: controller, port, deadlineMilliseconds })
    await guest.call('release', { handle })
    return result
  }

  /** Connects from the container to a closed port of a neighbour's, who says so when the answer finds its way back. */
  const wayOut = async () => {
    const pid = (await host().appliance.container()).split(' ')[1] ?? ''
    const script =
      "require('net').connect({ host: '10.77.10.30', port: 9, timeout: 3000 })" +
      ".on('error', (e) => console.log(e.code)).on('timeout', () => { console.log('no answer'); process.exit() })"
    const enter = ['nsenter', '--target', pid, '--net', '--', '/usr/lib/omada-host/node']
    return await host().machine.exec([...enter, '-e', script])
  }

  test('a guest with a route to the container reaches the portal, and nothing of the controller itself', async () => {
    const portal = await guest.call('hold', { address: guests, port: 8843 })
    expect(portal.result).toBe('secured')
    for (const port of ports) expect(await attack(port)).not.toMatch(/secured|ECONNRESET|ECONNREFUSED/)
    expect(await doctor()).toMatchObject({ 1: 'ok' })
    expect(await wayOut()).toBe('ECONNREFUSED')
  })

  test("what claims the container's network as its source does not get to the relay", async () => {
    const outcomes = async () => {
      const { 'own-echo': _, ...others } = (await host().appliance.edgeState()).discovery.outcomes
      return others
    }
    const datagram = (from: string, seq: number) => {
      const header = { mac: 'AA-BB-CC-10-00-77', type: 1, device: 'ap', version: '1', timestamp: Date.now(), seq }
      const base64 = encodeFrame(JSON.stringify({ header, body: {} })).toString('base64')
      return { from, to: devices, port: 29810, base64 }
    }
    const before = await outcomes()
    const forged = [datagram(controller, 1), datagram('10.129.81.77', 2)]
    await neighbour.call('send', { datagrams: [...forged, datagram('10.77.10.30', 3)], perSecond: 100 })
    const after = await eventually(outcomes, (now) => (now.relayed ?? 0) > (before.relayed ?? 0))
    expect(after).toEqual({ ...before, relayed: (before.relayed ?? 0) + 1 })
  })

  test("somebody takes the engine's rules alone: the way out stays open, and it is told", async () => {
    const { machine } = host()
    const flush = engine === 'podman' ? ['nft', 'flush', 'table', 'inet', 'netavark'] : ['iptables', '-t', 'nat', '-F']
    await machine.exec(flush)
    expect(await wayOut()).toBe('ECONNREFUSED')
    const warning = await eventually(flushed, (found) => found !== undefined)
    expect(warning?.message).toMatch(
      engine === 'podman' ? /Podman's own rules for it, too/ : /Docker's own rules do not/,
    )
    if (engine === 'podman')
      expect(await machine.exec(['nft', 'list', 'table', 'inet', 'netavark'])).toContain('10.129.81.0/24')
    expect(await table()).toBe(true)
  })

  test('somebody empties the packet filter: fence and way out are back within seconds, and no connection is lost', async () => {
    const { machine, appliance } = host()
    // Podman takes the bridge's address away for a moment while it sets its rules again, as in the test before.
    const { handle } = await eventually(
      () => neighbour.call('hold', { address: devices, port: 29814 }),
      ({ result }) => result === 'secured',
    )
    await machine.exec(['nft', 'flush', 'ruleset'])
    await eventually(table, Boolean, 10_000)
    for (const port of ports) expect(await attack(port)).not.toMatch(/secured|ECONNRESET|ECONNREFUSED/)
    expect(await wayOut()).toBe('ECONNREFUSED')
    if (engine === 'podman') {
      await eventually(
        () => machine.exec(['nft', 'list', 'tables']),
        (tables) => tables.includes('netavark'),
      )
    }
    expect(await machine.journal(hostUnit)).toContain('somebody took away the table inet omada-host')
    expect((await flushed())?.code).toBe('FILTER_FLUSHED')
    expect(await neighbour.call('isHeld', { handle })).toBe(true)
    expect((await appliance.hostState()).phase).toBe('ready')
  })

  test('it outlives the host, killed and restarted', async () => {
    const container = await host().appliance.container()
    const killed = await mainPid()
    await host().machine.exec(['systemctl', 'kill', '--signal=KILL', hostUnit])
    expect(await table()).toBe(true)
    await eventually(mainPid, (pid) => pid !== killed && pid !== '0')
    expect(await table()).toBe(true)
    await host().appliance.phase('ready')
    expect((await host().appliance.systemctl('restart')).code).toBe(0)
    expect(await table()).toBe(true)
    expect(await attack(8043)).not.toMatch(/secured|ECONNRESET|ECONNREFUSED/)
    expect(await host().appliance.container()).toBe(container)
  })

  test('doctor tells where it is missing, and the guest is in then; it comes back with the host', async () => {
    const { machine } = host()
    const pid = await mainPid()
    await machine.exec(['kill', '-STOP', pid])
    try {
      await machine.exec(['nft', 'delete', 'table', 'inet', 'omada-host'])
      expect((await doctor())?.[0]).toMatch(/^fail .*FENCE_DOWN.*10\.129\.81\.0\/24/)
      expect(await attack(8043, 30_000)).toBe('secured')
    } finally {
      await machine.exec(['kill', '-CONT', pid])
    }
    await eventually(table, Boolean, 10_000)
    expect(await attack(8043)).not.toMatch(/secured|ECONNRESET|ECONNREFUSED/)
    expect(await doctor()).toMatchObject({ 1: 'ok' })
  })

  test('it goes with the controller: after stop, and after purge', async () => {
    const { machine, appliance } = host()
    expect((await appliance.systemctl('stop')).code).toBe(0)
    expect(await table()).toBe(false)
    expect((await appliance.systemctl('start')).code).toBe(0)
    expect(await table()).toBe(true)
    await machine.exec(['rm', '/etc/omada-host/config.yaml'])
    await machine.exec(['apt-get', '--yes', 'purge', 'omada-host'], { timeoutMilliseconds: 120_000 })
    expect(await table()).toBe(false)
  })
})
