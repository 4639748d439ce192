import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { fence } from '../../src/host/datapath/fence.ts'
import { nftBy } from '../../src/host/datapath/nft.ts'
import { shortcomings } from '../../src/host/datapath/ruleset.ts'
import { NamespacePeer } from '../edge/discovery/support/namespace-peer.ts'
import { Lan } from '../support/lan.ts'
import { Ledger } from '../support/ledger.ts'
import { Namespace } from '../support/namespace.ts'

const name = `of${process.pid}`
const containerAddress = '10.129.81.10'
const spoofed = '10.129.81.77'
const port = 29_810
const patience = { timeout: 20_000 }
const ruleset = fence([{ subnet: '10.129.81.0/24', bridge: 'br-omada' }])

let ledger: Ledger
let host: Namespace
let onGuests: Namespace
/** Sockets: in the container, of the edge's on this machine, of an attacker's and of one who claims the container's network. */
let container: NamespacePeer
let edge: NamespacePeer
let attacker: NamespacePeer
let impostor: NamespacePeer
let nft: ReturnType<typeof nftBy>
let count = 0

beforeAll(async () => {
  ledger = await Ledger.open('omada-host-fence-')
  host = await Namespace.make(ledger, `${name}-host`)
  // As an engine turns it on, and as systemd leaves the look at sources.
  for (const setting of ['ip_forward=1', 'conf.all.rp_filter=2', 'conf.default.rp_filter=2'])
    await host.run(['sysctl', '--quiet', '--write', `net.ipv4.${setting}`])
  const inContainer = await Namespace.make(ledger, `${name}-ctl`)
  const bridge = await Lan.make(ledger, { name: 'br-omada', host, address: '10.129.81.1/24' })
  await bridge.plug(inContainer, 10)
  onGuests = await Namespace.make(ledger, `${name}-guest`)
  const guests = await Lan.make(ledger, { name: 'lan20', host, address: '10.77.20.1/24' })
  // Its default route leads here: more than a route to the container's network is not needed.
  await guests.plug(onGuests, 66)
  await onGuests.run(['ip', 'address', 'add', `${spoofed}/32`, 'dev', 'lo'])
  container = await NamespacePeer.open(ledger, inContainer, '0.0.0.0', port)
  edge = await NamespacePeer.open(ledger, host, '0.0.0.0', port)
  attacker = await NamespacePeer.open(ledger, onGuests)
  impostor = await NamespacePeer.open(ledger, onGuests, spoofed)
  const [enter = '', ...rest] = host.enter(['nft'])
  nft = nftBy([enter, ...rest])
})

afterAll(() => ledger?.close())

beforeEach(async () => {
  for (const peer of [container, edge, attacker, impostor]) peer.received.length = 0
  await nft.remove()
})

/** Sends a datagram of its own text, and gives that. */
async function send(from: NamespacePeer, address: string): Promise<Buffer> {
  count += 1
  const payload = Buffer.from(`datagram ${count}`)
  await from.send(payload, port, address)
  return payload
}

/** Who receives on a port of the attacker's machine. */
const guest = (on: number) => NamespacePeer.open(ledger, onGuests, '0.0.0.0', on)

const payloads = (peer: NamespacePeer) => peer.received.map(({ payload }) => String(payload))

/** Resolves once the container has heard this machine: what was sent before, by a way as long, would be there too. */
async function heardFromHere(): Promise<void> {
  const sentinel = String(await send(edge, containerAddress))
  await expect.poll(() => payloads(container), patience).toContain(sentinel)
}

test('without the fence a route is all that an attacker needs, and an address of the container is as good as being it', async () => {
  const direct = String(await send(attacker, containerAddress))
  await expect.poll(() => payloads(container), patience).toEqual([direct])
  const claimed = String(await send(impostor, '10.77.20.1'))
  await expect.poll(() => payloads(edge), patience).toEqual([claimed])
  expect(edge.received[0]).toMatchObject({ address: spoofed })
})

test('with it nothing of either gets through, and all else does, both ways', async () => {
  await nft.set(ruleset)
  await send(attacker, containerAddress)
  await send(impostor, containerAddress)
  await send(impostor, '10.77.20.1')
  const honest = String(await send(attacker, '10.77.20.1'))
  await expect.poll(() => payloads(edge), patience).toEqual([honest])
  await heardFromHere()
  expect(container.received).toHaveLength(1)
  const toHere = String(await send(container, '10.129.81.1'))
  await expect.poll(() => payloads(edge), patience).toEqual([honest, toHere])
})

test("the container's way out leads through this machine's own address", async () => {
  const [before, after] = [await guest(4001), await guest(4002)]
  await container.send('out', 4001, '10.77.20.66')
  await expect.poll(() => before.received[0]?.address, patience).toBe(containerAddress)
  await nft.set(ruleset)
  await container.send('out', 4002, '10.77.20.66')
  await expect.poll(() => after.received[0]?.address, patience).toBe('10.77.20.1')
  // And back.
  const { address = '', port: from = 0 } = after.received[0] ?? {}
  await after.send('answer', from, address)
  await expect.poll(() => payloads(container), patience).toEqual(['answer'])
})

test('the table that nft lists is the one that was set; what is taken from it is named', async () => {
  await nft.set(ruleset)
  expect(shortcomings(await nft.list(), ruleset)).toEqual([])
  await nft.set(ruleset)
  expect(shortcomings(await nft.list(), ruleset)).toEqual([])
  await host.run(['nft', 'flush', 'chain', 'inet', 'omada-host', 'fence-in'])
  await host.run(['nft', 'delete', 'element', 'inet', 'omada-host', 'networks', '{ 10.129.81.0/24 }'])
  expect(shortcomings(await nft.list(), ruleset)).toEqual(['set networks', 'chain fence-in'])
  await host.run(['nft', 'flush', 'ruleset'])
  expect(await nft.list()).toBeUndefined()
})

test('without its bridge nothing leaves for the container by another way', async () => {
  // Whoever has the default route can have any address.
  await onGuests.run(['ip', 'address', 'add', `${containerAddress}/32`, 'dev', 'lo'])
  const stranger = await guest(port)
  await host.run(['ip', 'link', 'delete', 'br-omada'])
  await host.run(['ip', 'route', 'add', 'default', 'via', '10.77.20.66'])
  const lost = String(await send(edge, containerAddress))
  await expect.poll(() => payloads(stranger), patience).toEqual([lost])
  await nft.set(ruleset)
  await expect(send(edge, containerAddress)).rejects.toThrow(/EPERM|ECONNREFUSED/)
  const other = String(await send(edge, '10.77.20.66'))
  await expect.poll(() => payloads(stranger), patience).toEqual([lost, other])
})
