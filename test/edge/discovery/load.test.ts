import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { maxDatagramBytes } from '../../../src/edge/discovery/admission.ts'
import { announceOf, local, SetAddresses } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'
import { Peer } from './support/peer.ts'
import { received, Scene } from './support/scene.ts'

let scene: Scene
const peers: Peer[] = []
afterEach(async () => {
  await scene.close()
  await Promise.all(peers.splice(0).map((peer) => peer.close()))
})

async function peerAt(address: string, port = 0): Promise<Peer> {
  const peer = await Peer.open(address, port)
  peers.push(peer)
  return peer
}

/**
 * Sends sixteen at a time, the next ones when all before have come in: the kernel drops what finds a socket's buffer full,
 * and on a busy machine it delivers even loopback's datagrams late.
 * @param cameIn how many have come in so far
 */
async function sendAll(total: number, send: (index: number) => Promise<void>, cameIn: () => number): Promise<void> {
  for (let sent = 0; sent < total; ) {
    const batch = Array.from({ length: Math.min(16, total - sent) }, (_, index) => send(sent + index))
    sent += batch.length
    await Promise.all(batch)
    const deadline = AbortSignal.timeout(20_000)
    while (cameIn() < sent) {
      if (deadline.aborted) throw new Error(`only ${cameIn()} of ${sent} have come in`)
      await nextTurn()
    }
  }
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count, 0)

/** How many went no farther than the edge. */
function dropped(): number {
  const { relayed: _relayed, answered: _answered, ...rest } = scene.discovery.state().outcomes
  return sumOf(rest)
}

test('10,000 datagrams of every kind: each is counted once, as what it was', async () => {
  // Time stands still: no bucket is refilled, no window ends.
  const clock = new FakeClock()
  const addresses = new SetAddresses([local('127.0.0.1'), local('127.0.1.1')])
  const access = {
    admits: (peer: { remoteAddress: string }) => peer.remoteAddress !== '127.0.0.66',
    servedAddresses: () => addresses.list(),
  }
  scene = await Scene.start({ clock, dependencies: { addresses, access }, discovery: { ratePerSource: 1500 } })
  const { discoveryPort: port } = scene
  let asked = 0
  const controller = await scene.controller((datagram) => {
    if (!datagram.payload.includes('answer me')) return undefined
    asked++
    return Buffer.from('answer')
  })
  const devices = await Promise.all(Array.from({ length: 5 }, (_, i) => peerAt(`127.0.0.${10 + i}`)))
  const flooder = await peerAt('127.0.0.60')
  const refused = await peerAt('127.0.0.66')
  const neighbour = await peerAt('127.0.81.77')
  const own = await peerAt('127.0.1.1', scene.appPort)

  let sequence = 0
  const unique = (text: string) => Buffer.from(`${text} ${sequence++}`)
  const targets = ['127.0.0.1', '127.0.1.1', '127.0.77.77']
  const each = (count: number, send: (index: number) => Promise<void>) =>
    Array.from({ length: count }, (_, index) => () => send(index))
  const from = (peer: Peer | undefined, payload: Buffer, index: number) =>
    peer?.send(payload, port, targets[index % 3] ?? '') ?? Promise.reject(new Error('no peer'))
  const sends = [
    ...each(2000, (i) => from(devices[i % 5], announceOf({ seq: sequence++ }), i)),
    ...each(500, (i) => from(devices[i % 5], unique('answer me'), i)),
    ...each(2000, (i) => from(devices[(i >> 1) % 5], Buffer.from(`twice ${i >> 1}`), i)),
    ...each(400, (i) => from(devices[i % 5], Buffer.alloc(0), i)),
    ...each(200, (i) => from(devices[i % 5], randomBytes(maxDatagramBytes + 1 + i), i)),
    ...each(400, (i) => from(refused, unique('refused'), i)),
    ...each(300, (i) => from(neighbour, unique('neighbour'), i)),
    ...each(200, (i) => from(own, unique('echo'), i)),
    ...each(4000, (i) => from(flooder, unique('flood'), i)),
  ]
  const answers = () => devices.flatMap((device) => device.texts())
  await sendAll(
    sends.length,
    async (index) => await sends[index]?.(),
    () => controller.received.length - asked + answers().length + dropped(),
  )
  await received(controller, 6500)
  clock.advance(1000)
  await scene.settled({
    relayed: 6500,
    duplicate: 1000,
    empty: 400,
    oversize: 200,
    refused: 400,
    'from-container': 300,
    'own-echo': 200,
    'rate-limited': 1000,
    answered: 500,
  })
  expect(sumOf(scene.discovery.state().outcomes)).toBe(10_000 + 500)
  expect(answers()).toEqual(Array(500).fill('answer'))
})

test('100,000 random datagrams: nothing breaks, nothing grows, all are counted', async () => {
  // Time stands still, so that what is logged once a minute is logged once however long this takes.
  const clock = new FakeClock()
  scene = await Scene.start({ clock, discovery: { maxSessions: 64, ratePerSource: 1_000_000 } })
  const { discovery, discoveryPort, appPort } = scene
  const controllers = [await scene.controller(), await scene.controller(undefined, appPort)]
  const senders = await Promise.all(Array.from({ length: 50 }, (_, i) => peerAt(`127.0.0.${100 + i}`)))
  const total = 100_000
  const noise = randomBytes(65_536)
  const payloadOf = (index: number) => {
    const length = (index * 7919) % 300
    const start = (index * 104_729) % (noise.length - 300)
    const payload = Buffer.from(noise.subarray(start, start + length))
    // A quarter carries the right length, so that the decoder sees more of it.
    if (index % 4 === 0 && length >= 4) payload.writeUInt32BE(length - 4)
    return payload
  }
  await sendAll(
    total,
    async (index) =>
      await senders[index % 50]?.send(payloadOf(index), index % 3 === 0 ? appPort : discoveryPort, '127.0.0.1'),
    () => controllers.reduce((sum, { received }) => sum + received.length, dropped()),
  )
  const counted = () => {
    // What was handed to the controller is counted a moment later.
    clock.advance(100)
    return sumOf(discovery.state().outcomes)
  }
  await expect.poll(counted, { timeout: 20_000 }).toBe(total)
  const state = discovery.state()
  expect(state.sessions).toBe(64)
  expect(state.devices).toBe(0)
  expect(state.outcomes['send-failed']).toBe(0)
  expect(scene.lines.filter((line) => line.includes('sessions end before their time'))).toHaveLength(1)
  expect(scene.warnings().map((warning) => warning.message)).toEqual([expect.stringContaining('of 64 are open')])
}, 300_000)
