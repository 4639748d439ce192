import { expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import type { DeviceRecord } from './controller/registry.ts'
import { broadcastAddresses } from './device/udp.ts'
import { operator, type Running, startController, startProcess } from './support.ts'

function device(running: Running, args: string[]) {
  const child = startProcess('device', ['--address', '127.0.0.1', '--inform', '127.0.0.1', ...args], {})
  const events = () => child.lines.map((line) => JSON.parse(line) as { event: string; mac?: string })
  const web = ['--web-port', String(running.at('manageHttps'))]
  return { child, events, web }
}

it('runs many devices in one process, each from a port of its own, and adopts one', async () => {
  const running = await startController()
  const ports = ['--port', String(running.at('discovery')), '--web-port', String(running.at('manageHttps'))]
  const quick = ['--announce-seconds', '0.3', '--inform-seconds', '0.2']
  const { child, events } = device(running, [
    '--class',
    'switch',
    '--mac',
    'AA-BB-CC-00-00-FF',
    '--count',
    '5',
    ...ports,
    ...quick,
  ])
  const seen = async () => (await operator(running.at('api'), '/devices')).body as DeviceRecord[]
  await waitFor(async () => expect((await seen()).length).toBe(5))
  const devices = await seen()
  expect(devices.map(({ mac }) => mac).sort()).toEqual([
    'AA-BB-CC-00-00-FF',
    'AA-BB-CC-00-01-00',
    'AA-BB-CC-00-01-01',
    'AA-BB-CC-00-01-02',
    'AA-BB-CC-00-01-03',
  ])
  expect(new Set(devices.map(({ source }) => source.port)).size).toBe(5)
  await operator(running.at('api'), '/adopt', { mac: 'AA-BB-CC-00-01-02' })
  await waitFor(() => expect(events().filter(({ event }) => event === 'informed').length).toBeGreaterThan(1))
  expect(
    new Set(
      events()
        .filter(({ event }) => event === 'connected')
        .map(({ mac }) => mac),
    ),
  ).toEqual(new Set(['AA-BB-CC-00-01-02']))
  child.process.kill('SIGTERM')
  expect(await child.ended).toBe(0)
})

it('plays the app', async () => {
  const running = await startController()
  const { child, events } = device(running, [
    '--class',
    'app',
    '--port',
    String(running.at('appDiscovery')),
    '--seconds',
    '1',
  ])
  expect(await child.ended).toBe(0)
  expect(events().map(({ event }) => event)).toEqual(expect.arrayContaining(['asked', 'answered']))
})

it.each([
  [['--class', 'toaster'], '--class toaster is none of ap, switch, gateway, app'],
  [['--mac', 'nonsense'], '--mac nonsense is not AA-BB-CC-DD-EE-FF'],
  [['--count', '0'], '--count 0 is not a number from 1 to 10000'],
  [['--inform', 'controller.lan'], '--inform controller.lan is not an IPv4 address'],
])('refuses %s', async (args, message) => {
  const child = startProcess('device', args, {})
  expect(await child.ended).toBe(2)
  expect(child.lines.join('\n')).toContain(message)
})

it('knows where broadcasts go', () => {
  expect(broadcastAddresses('limited', '127.0.0.1')).toEqual(['255.255.255.255'])
  expect(broadcastAddresses('both', '127.0.0.1')).toEqual(['255.255.255.255', '127.255.255.255'])
  expect(() => broadcastAddresses('subnet', '192.0.2.250')).toThrow('192.0.2.250 is no address of this machine')
})
