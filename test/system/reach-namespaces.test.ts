import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fence } from '../../src/host/datapath/fence.ts'
import { nftBy } from '../../src/host/datapath/nft.ts'
import { type Reach, reachRules } from '../../src/host/datapath/reach.ts'
import { joined, shortcomings } from '../../src/host/datapath/ruleset.ts'
import { NamespacePeer } from '../edge/discovery/support/namespace-peer.ts'
import { command } from '../support/command.ts'
import { Lan } from '../support/lan.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'

const name = `or${process.pid}`
const here = '10.77.10.1'
const bridge = '10.129.81.1'
const neighbour = '10.77.10.30'
/** Beyond the neighbour, which this machine has its default route to. */
const internet = '198.51.100.7'

let ledger: Ledger
let host: Namespace
let inContainer: Namespace
let nft: ReturnType<typeof nftBy>

const closed: Reach = { egress: 'any', listed: [], database: [], nameServers: [], onLink: [`${here}/24`] }
const ruleset = (reach: Partial<Reach>) =>
  joined(fence([{ subnet: '10.129.81.0/24', bridge: 'br-omada' }]), reachRules({ ...closed, ...reach }))
const set = (reach: Partial<Reach> = {}) => nft.set(ruleset(reach))

beforeAll(async () => {
  ledger = await Ledger.open('omada-host-reach-')
  host = await Namespace.make(ledger, `${name}-host`)
  await host.run(['sysctl', '--quiet', '--write', 'net.ipv4.ip_forward=1'])
  inContainer = await Namespace.make(ledger, `${name}-ctl`)
  await (await Lan.make(ledger, { name: 'br-omada', host, address: '10.129.81.1/24' })).plug(inContainer, 10)
  const onLan = await Namespace.make(ledger, `${name}-lan`)
  await (await Lan.make(ledger, { name: 'lan10', host, address: `${here}/24` })).plug(onLan, 30)
  await onLan.run(['ip', 'address', 'add', `${internet}/32`, 'dev', 'lo'])
  await host.run(['ip', 'route', 'add', 'default', 'via', neighbour])
  const [enter = '', ...rest] = host.enter(['nft'])
  nft = nftBy([enter, ...rest])
})

afterAll(() => ledger?.close())

/** What a connection from the container comes to: nobody listens anywhere, so who is reached resets it. */
async function reached(address: string, port: number): Promise<'yes' | 'no'> {
  const script = `require('net').connect({ host: '${address}', port: ${port}, timeout: 1500 })
    .on('error', (error) => console.log(error.code)).on('timeout', () => { console.log('dropped'); process.exit() })`
  const said = await command(inContainer.enter([process.execPath, '-e', script]))
  expect(said).toMatch(/^(?:ECONNREFUSED|dropped|EHOSTUNREACH)$/)
  return said === 'ECONNREFUSED' ? 'yes' : 'no'
}

/** Of each of these whether the container reaches it. */
async function all(...targets: readonly [string, number][]): Promise<string> {
  return (await Promise.all(targets.map(([address, port]) => reached(address, port)))).join(' ')
}

test('without rules it reaches every port of this machine', async () => {
  expect(await all([bridge, 22], [here, 8090], [neighbour, 25], [internet, 443])).toBe('yes yes yes yes')
})

test('of this machine it reaches names, its database and what is listed', async () => {
  await set()
  expect(await all([bridge, 22], [here, 8090], [here, 27_017], [bridge, 53], [here, 53])).toBe('no no no yes yes')
  await set({ database: [{ address: here, port: 27_017 }] })
  expect(await all([here, 8090], [here, 27_017])).toBe('no yes')
  await set({ listed: [{ address: bridge }, { address: here, port: 25 }] })
  expect(await all([bridge, 22], [here, 25], [here, 26])).toBe('yes yes no')
})

test.each<[string, Partial<Reach>, string]>([
  ['any', { egress: 'any' }, 'yes yes yes'],
  ['internet', { egress: 'internet' }, 'no no yes'],
  ['none', { egress: 'none' }, 'no no no'],
  ['none but a name server', { egress: 'none', nameServers: [neighbour] }, 'yes no no'],
  ['internet, and what is listed', { egress: 'internet', listed: [{ address: neighbour, port: 25 }] }, 'no yes yes'],
  ['none but its database', { egress: 'none', database: [{ address: neighbour, port: 25 }] }, 'no yes no'],
  [
    'internet, which leaves out a public network of this machine',
    { egress: 'internet', onLink: ['198.51.100.1/24'] },
    'no no no',
  ],
])('beyond this machine: %s', async (_, reach, expected) => {
  await set(reach)
  expect(await all([neighbour, 53], [neighbour, 25], [internet, 443])).toBe(expected)
})

test('of this machine it reaches nothing by IPv6 either, of which the bridge has an address by itself', async () => {
  const own = await host.run(['ip', '-6', '-o', 'address', 'show', 'dev', 'br-omada', 'scope', 'link', '-tentative'])
  const address = `${/inet6 (\S+)\//.exec(own)?.[1]}%eth0`
  await nft.remove()
  expect(await all([address, 22])).toBe('yes')
  await set()
  expect(await all([address, 22], [address, 53])).toBe('no yes')
})

test('who asked it gets an answer, on connections that were there before, too', async () => {
  await nft.remove()
  const server = `require('net').createServer((s) => s.pipe(s)).listen(29814, () => console.log('listens'))`
  const edge = `const s = require('net').connect(29814, '10.129.81.10').on('data', (d) => console.log(String(d)))
    process.stdin.on('data', (d) => s.write(d))`
  const run = (namespace: Namespace, script: string) => {
    const [file = '', ...rest] = namespace.enter([process.execPath, '-e', script])
    const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    ledger.started('peer', child.pid ?? 0, 1000)
    let said = ''
    child.stdout.on('data', (data) => {
      said += String(data)
    })
    return { write: (text: string) => child.stdin.write(text), said: () => said }
  }
  const controller = run(inContainer, server)
  await expect.poll(controller.said).toContain('listens')
  const client = run(host, edge)
  client.write('before')
  await expect.poll(client.said).toContain('before')
  await set({ egress: 'none' })
  client.write('after')
  await expect.poll(client.said).toContain('after')
  // A relay's datagram, and what comes back to its socket.
  const device = await NamespacePeer.open(ledger, inContainer, '0.0.0.0', 29_810)
  await device.reply(Buffer.from('answer'))
  const relay = await NamespacePeer.open(ledger, host)
  await relay.send('question', 29_810, '10.129.81.10')
  await expect.poll(() => relay.received.map(({ payload }) => String(payload))).toEqual(['answer'])
})

test('what was refused is noted, and the table stands as it was set', async () => {
  const wanted = { egress: 'internet', listed: [{ address: neighbour, port: 7 }], nameServers: [neighbour] } as const
  await set(wanted)
  expect(await all([here, 8090], [neighbour, 25])).toBe('no no')
  const listing = JSON.stringify(await nft.list())
  expect(listing).toContain(`["${here}","tcp",8090]`)
  expect(listing).toContain(`["${neighbour}","tcp",25]`)
  expect(shortcomings(await nft.list(), ruleset(wanted))).toEqual([])
})
