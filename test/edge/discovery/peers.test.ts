import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Peers } from '../../../src/edge/discovery/peers.ts'
import { RateLimitedWarnings } from '../../../src/edge/discovery/warnings.ts'
import type { BroadcastNetwork } from '../../../src/network/broadcast-networks.ts'
import { encodePeerMessage, parsePeerMessage } from '../../../src/network/peer-message.ts'
import { decodeFrame, encodeFrame } from '../../../src/omada/frame.ts'
import { announceOf, keepingLogger, local, SetAddresses } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'
import { received, Scene } from './support/scene.ts'

const network = { interface: 'lan0', address: '10.0.0.1', prefix: 24, broadcast: '10.0.0.255' }
const other = { address: '10.0.0.2', own: false }

let clock: FakeClock
let sent: Buffer[]
let askedAt: string[]
let peers: Peers
let lines: string[]
let networks: BroadcastNetwork[]

beforeEach(() => {
  clock = new FakeClock()
  sent = []
  askedAt = []
  networks = [network]
  const kept = keepingLogger()
  lines = kept.lines
  peers = new Peers({
    logger: kept.logger,
    clock,
    warnings: new RateLimitedWarnings({ logger: kept.logger, clock }),
    networks: () => networks,
    broadcast: async (payload, { broadcast }) => {
      sent.push(payload)
      askedAt.push(broadcast)
    },
  })
})

let scene: Scene | undefined
afterEach(async () => {
  await peers.stop()
  await scene?.close()
  scene = undefined
})

function parse(payload: Buffer | undefined) {
  const decoded = decodeFrame(payload ?? Buffer.alloc(0))
  return decoded.framed ? parsePeerMessage(decoded.frame) : undefined
}

test('each network is asked at the start and every two minutes', async () => {
  await peers.start(new AbortController().signal)
  await expect.poll(() => sent.length).toBe(1)
  expect(parse(sent[0])).toEqual({ kind: 'probe', instance: expect.any(String) })
  clock.advance(119_000)
  expect(sent).toHaveLength(1)
  clock.advance(1000)
  await expect.poll(() => sent.length).toBe(2)
})

test('a network that cannot be asked ends nothing', async () => {
  const { logger } = keepingLogger()
  const failing = new Peers({
    logger,
    clock,
    warnings: new RateLimitedWarnings({ logger, clock }),
    networks: () => [network],
    broadcast: () => Promise.reject(new Error('ENETUNREACH')),
  })
  await expect(failing.probe()).resolves.toBeUndefined()
})

test('a probe is answered and remembered; an answer is remembered and never answered', () => {
  const answer = parse(peers.receive({ kind: 'probe', instance: randomUUID() }, other))
  expect(answer?.kind).toBe('answer')
  expect(peers.receive({ kind: 'answer', instance: randomUUID() }, { address: '10.0.0.3', own: false })).toBeUndefined()
  expect(peers.list().map(({ address }) => address)).toEqual(['10.0.0.2', '10.0.0.3'])
  expect(lines.filter((line) => line.includes('another omada-host'))).toHaveLength(1)
  expect(peers.warnings()).toEqual([
    expect.objectContaining({ code: 'OTHER_APPLIANCE', message: expect.stringContaining('at 10.0.0.2, 10.0.0.3:') }),
  ])
})

test('who only asks is answered and not remembered, and neither is what runs on this machine', () => {
  expect(parse(peers.receive({ kind: 'probe' }, other))?.kind).toBe('answer')
  expect(parse(peers.receive({ kind: 'probe', instance: randomUUID() }, { ...other, own: true }))?.kind).toBe('answer')
  expect(peers.receive({ kind: 'unknown' }, other)).toBeUndefined()
  expect(peers.list()).toEqual([])
  expect(peers.warnings()).toEqual([])
})

test('our own probe that comes back by another way is neither answered nor remembered', async () => {
  await peers.probe()
  const own = parse(sent[0])
  if (own === undefined) throw new Error('no probe')
  expect(peers.receive(own, other)).toBeUndefined()
  expect(peers.list()).toEqual([])
})

test('one that is silent for three of its probes is forgotten', () => {
  const instance = randomUUID()
  peers.receive({ kind: 'probe', instance }, other)
  clock.advance(360_000)
  expect(peers.list()).toHaveLength(1)
  clock.advance(61_000)
  expect(peers.list()).toEqual([])
})

test('one that leaves is forgotten at once, and nobody can leave for another', () => {
  const instance = randomUUID()
  peers.receive({ kind: 'probe', instance }, other)
  expect(peers.receive({ kind: 'leave', instance: randomUUID() }, other)).toBeUndefined()
  expect(peers.receive({ kind: 'leave', instance }, { address: '10.0.0.3', own: false })).toBeUndefined()
  expect(peers.list()).toHaveLength(1)
  expect(peers.receive({ kind: 'leave', instance }, other)).toBeUndefined()
  expect(peers.list()).toEqual([])
  expect(peers.warnings()).toEqual([])
})

test('who was asked is told once that this one leaves', async () => {
  await peers.stop()
  expect(sent).toEqual([])
  await peers.probe()
  networks = [network, { ...network, interface: 'lan1', address: '10.0.1.1', broadcast: '10.0.1.255' }]
  await peers.stop()
  await peers.stop()
  const [asked, told] = sent.map(parse)
  expect(told).toEqual({ ...asked, kind: 'leave' })
  expect(askedAt).toEqual(['10.0.0.255', '10.0.0.255'])
})

test('a network that has come is asked at once, and the others are left alone', async () => {
  await peers.probe()
  await peers.probe('new')
  networks = [network, { ...network, interface: 'lan1', address: '10.0.1.1', broadcast: '10.0.1.255' }]
  await peers.probe('new')
  await peers.probe('new')
  expect(askedAt).toEqual(['10.0.0.255', '10.0.1.255'])
})

test('a stranger who plays many fills no memory, no warning and no log', () => {
  for (let number = 0; number < 1000; number++) {
    peers.receive(
      { kind: 'answer', instance: randomUUID() },
      { address: `10.1.${number >> 8}.${number & 255}`, own: false },
    )
  }
  expect(peers.list()).toHaveLength(64)
  expect(peers.warnings()[0]?.message).toMatch(/ and 61 more:/)
  expect(lines.length).toBe(1)
  expect(peers.warnings()[0]?.message.length).toBeLessThan(200)
})

test('a probe is answered by the edge itself, from where it was asked, and never relayed', async () => {
  scene = await Scene.start({ ports: { addresses: new SetAddresses([local('127.0.1.1')]) } })
  const controller = await scene.controller()
  const device = await scene.device('127.0.0.9')
  await device.send(encodePeerMessage({ kind: 'probe', instance: randomUUID() }), scene.discoveryPort, '127.0.1.1')
  const [answer] = await received(device, 1)
  expect(answer).toMatchObject({ address: '127.0.1.1', port: scene.discoveryPort })
  expect(parse(answer?.payload)?.kind).toBe('answer')
  await device.send(encodeFrame('{"header":{"omadaHost":"of tomorrow"}}'), scene.discoveryPort, '127.0.1.1')
  await device.send(announceOf(), scene.discoveryPort, '127.0.1.1')
  await received(controller, 1)
  await scene.settled({ 'peer-probe': 2, relayed: 1 })
  expect(scene.discovery.state().peers).toEqual([expect.objectContaining({ address: '127.0.0.9' })])
  expect(scene.discovery.warnings()).toContainEqual(expect.objectContaining({ code: 'OTHER_APPLIANCE' }))
})
