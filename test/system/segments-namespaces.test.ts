import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { appliancePorts } from '../../src/config/appliance-ports.ts'
import { configSchema } from '../../src/config/schema.ts'
import { nftBy } from '../../src/host/datapath/nft.ts'
import { shortcomings } from '../../src/host/datapath/ruleset.ts'
import { segments } from '../../src/host/datapath/segments.ts'
import { eventually } from '../support/eventually.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'

const name = `os${process.pid}`
const port = 29_814
const here = '10.77.10.1'
const bytes = 300_000
/** What a hop of 1,400 bytes carries beside the headers of IPv4 and TCP. */
const ruleset = segments(1360, appliancePorts(configSchema.parse({})))

let ledger: Ledger
let host: Namespace
/** Both ends of the narrow hop; each drops what is too large for it, and says nothing. */
let near: Namespace
let far: Namespace
let device: Namespace
let nft: ReturnType<typeof nftBy>

/** Joins two namespaces by a cable with an address at each end. */
async function join(one: [Namespace, string, string], other: [Namespace, string, string], mtu = 1500): Promise<void> {
  const [[place, interface_], [there, peer]] = [one, other]
  const cable = ['ip', 'link', 'add', interface_, 'type', 'veth', 'peer', 'name', peer, 'netns', there.name ?? '']
  await place.run(cable)
  for (const [namespace, end, address] of [one, other]) {
    await namespace.run(['ip', 'address', 'add', `${address}/24`, 'dev', end])
    await namespace.run(['ip', 'link', 'set', end, 'mtu', `${mtu}`, 'up'])
  }
}

const probing = (namespace: Namespace, value: 0 | 1) =>
  namespace.run(['sysctl', '--quiet', '--write', `net.ipv4.tcp_mtu_probing=${value}`])

beforeAll(async () => {
  ledger = await Ledger.open('omada-host-segments-')
  host = await Namespace.make(ledger, `${name}-host`)
  near = await Namespace.make(ledger, `${name}-near`)
  far = await Namespace.make(ledger, `${name}-far`)
  device = await Namespace.make(ledger, `${name}-dev`)
  await join([host, 'lan10', here], [near, 'wide', '10.77.10.2'])
  await join([near, 'tunnel', '10.77.11.1'], [far, 'tunnel', '10.77.11.2'], 1400)
  await join([far, 'wide', '10.77.12.1'], [device, 'eth0', '10.77.12.66'])
  await host.run(['ip', 'route', 'add', 'default', 'via', '10.77.10.2'])
  await near.run(['ip', 'route', 'add', 'default', 'via', '10.77.11.2'])
  await far.run(['ip', 'route', 'add', 'default', 'via', '10.77.11.1'])
  await device.run(['ip', 'route', 'add', 'default', 'via', '10.77.12.1'])
  for (const hop of [near, far]) {
    // Without a limit every packet that is dropped counts as one that nothing is said of.
    for (const setting of ['ip_forward=1', 'icmp_ratelimit=0', 'icmp_msgs_per_sec=100000', 'icmp_msgs_burst=100000'])
      await hop.run(['sysctl', '--quiet', '--write', `net.ipv4.${setting}`])
    await hop.run(['nft', 'add table inet quiet { chain out { type filter hook output priority 0; }; }'])
    await hop.run(['nft', 'add rule inet quiet out icmp type destination-unreachable counter drop'])
  }
  const [enter = '', ...rest] = host.enter(['nft'])
  nft = nftBy([enter, ...rest])
  const server = run(
    host,
    `require('net').createServer((socket) => {
      let taken = 0
      socket.on('error', () => {}).on('data', (data) => {
        if (taken === 0 && String(data) === 'give') return socket.end(Buffer.alloc(${bytes}))
        taken += data.length
        if (taken >= ${bytes}) socket.end('taken')
      })
    }).listen(${port}, '0.0.0.0', () => console.log('listens'))`,
  )
  await eventually(
    async () => server.said(),
    (said) => said.includes('listens'),
  )
})

afterAll(() => ledger?.close())

beforeEach(async () => {
  await nft.remove()
  for (const end of [host, device]) {
    await probing(end, 0)
    // What one connection learned of a way is nothing that the next one begins with.
    await end.run(['ip', 'tcp_metrics', 'flush'])
  }
})

function run(namespace: Namespace, script: string): { child: ChildProcess; said: () => string } {
  const [file = '', ...rest] = namespace.enter([process.execPath, '-e', script])
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  ledger.started(`peer in ${namespace.name}`, child.pid ?? 0, 1000)
  let said = ''
  child.stdout.on('data', (data) => {
    said += String(data)
  })
  return { child, said: () => said }
}

/** A device that takes from this machine, or sends to it; it says "all" once everything has arrived. */
function transfer(direction: 'to the device' | 'to this machine') {
  const taking = `let taken = 0; socket.write('give')
    socket.on('data', (data) => { taken += data.length; if (taken === ${bytes}) console.log('all') })`
  const giving = `socket.write(Buffer.alloc(${bytes})); socket.on('data', () => console.log('all'))`
  return run(
    device,
    `const socket = require('net').connect(${port}, '${here}').on('error', (error) => console.log(error.code))
    ${direction === 'to the device' ? taking : giving}`,
  )
}

/** How many packets a hop dropped because they were too large. */
async function dropped(hop: Namespace): Promise<number> {
  return Number(/packets (\d+)/.exec(await hop.run(['nft', 'list', 'chain', 'inet', 'quiet', 'out']))?.[1])
}

const directions = ['to the device', 'to this machine'] as const
const hopOf = (direction: (typeof directions)[number]) => (direction === 'to the device' ? near : far)

/** Resolves once a transfer was tried again and again, and nothing of it came through. */
async function stalls(direction: (typeof directions)[number]): Promise<void> {
  const before = await dropped(hopOf(direction))
  const { child, said } = transfer(direction)
  // The first packet, and one each time that its sender's patience is over.
  await expect.poll(() => dropped(hopOf(direction))).toBeGreaterThanOrEqual(before + 5)
  expect(said()).toBe('')
  child.kill()
}

test.each(directions)('without a figure full-size segments %s vanish, and the transfer stalls', stalls)

test.each(directions)('with network.mss a transfer %s passes, and nothing is dropped', async (direction) => {
  await nft.set(ruleset)
  const before = await dropped(hopOf(direction))
  const { said } = transfer(direction)
  await expect.poll(said).toBe('all\n')
  expect(await dropped(hopOf(direction))).toBe(before)
})

test('tcp_mtu_probing of this machine mends what it sends, and not what devices send', async () => {
  await probing(host, 1)
  const { said } = transfer('to the device')
  await expect.poll(said).toBe('all\n')
  await stalls('to this machine')
})

test('the table that nft lists is the one that was set', async () => {
  await nft.set(ruleset)
  expect(shortcomings(await nft.list(), ruleset)).toEqual([])
})
