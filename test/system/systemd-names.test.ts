import { expect, test } from 'vitest'
import { namesInside, serveNames, serveNamesIn } from './support/name-server.ts'
import { systemdHost } from './support/systemd-fixture.ts'

// A machine that is the name server of its network, too. What each server says tells which one was asked.
const ofTheLan = '192.0.2.80'
const ofTheMachine = '192.0.2.81'
const bridge = '10.129.81.1'
const host = systemdHost({ lans: { lan10: '10.77.10.1/24' } }, async (opened) => {
  await serveNamesIn(opened.ledger, await opened.neighbour('lan10', 53), ofTheLan)
  await serveNames(opened.machine, '0.0.0.0', ofTheMachine)
  opened.machine.write('/etc/resolv.conf', 'nameserver 10.77.10.53\n')
  await opened.startAppliance()
})

/** Who listens on port 53 of which address. */
const listeners = async () => {
  const lines = (await host().machine.exec(['ss', '-Hlunp', 'sport = :53'])).split('\n').filter(Boolean)
  return lines.map((line) => `${line.split(/\s+/)[3]} ${/\("([^"]+)"/.exec(line)?.[1]}`).sort()
}

const restart = async (between: () => Promise<unknown> = async () => {}) => {
  expect((await host().appliance.systemctl('stop')).code).toBe(0)
  await between()
  expect(await host().appliance.systemctl('start')).toEqual({ code: 0, stdout: '', stderr: '' })
}

test('beside a name server on every address it starts, and the controller asks whom the machine asks', async () => {
  expect(await listeners()).toEqual(['0.0.0.0:53 MainThread'])
  expect(await namesInside(host().engine)).toEqual({ address: ofTheLan, asked: ['10.77.10.53'] })
})

test('where the machine asks only itself, the controller asks it by the bridge', async () => {
  host().machine.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n')
  await restart()
  expect(await listeners()).toEqual(['0.0.0.0:53 MainThread'])
  expect(await namesInside(host().engine)).toEqual({ address: ofTheMachine, asked: [bridge] })
})

test("where that listens on the loopback alone, Podman's name server asks it", async () => {
  await restart(async () => {
    await serveNames(host().machine, '127.0.0.1', ofTheMachine)
    await host().engine.run(['network', 'rm', 'omada'])
  })
  expect(await listeners()).toEqual([`${bridge}:53 aardvark-dns`, '127.0.0.1:53 MainThread'])
  expect(await namesInside(host().engine)).toEqual({ address: ofTheMachine, asked: [bridge] })
})

test("where Podman's name server cannot have its port any more, the network is made anew without one", async () => {
  await restart(() => serveNames(host().machine, '0.0.0.0', ofTheMachine))
  expect(await listeners()).toEqual(['0.0.0.0:53 MainThread'])
  expect(await namesInside(host().engine)).toEqual({ address: ofTheMachine, asked: [bridge] })
  const told = (await host().appliance.hostState()).history.map(({ message }) => message)
  expect(told.filter((message) => message.includes('port 53'))).toHaveLength(1)
})
