import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Logger } from '../../../src/core/logger.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import type { Exits } from '../../../src/edge/discovery/listeners.ts'
import { OtherAppliances } from '../../../src/edge/discovery/other-appliances.ts'
import type { BroadcastNetwork } from '../../../src/network/broadcast-networks.ts'
import { encodePeerMessage, type PeerMessage, parsePeerMessage } from '../../../src/network/peer-message.ts'
import { decodeFrame, encodeFrame } from '../../../src/omada/frame.ts'
import { announceOf, keepingLogger, local, SetAddresses } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'
import { received, Scene } from './support/scene.ts'

const network = { interface: 'lan0', address: '10.0.0.1', prefix: 24, broadcast: '10.0.0.255' }

let clock: FakeClock
let sent: Buffer[]
let askedAt: string[]
let others: OtherAppliances
let lines: string[]
let networks: BroadcastNetwork[]
let exits: Exits
let warnings: Warnings
let answers: { payload: Buffer; port: number; address: string }[]

beforeEach(() => {
  clock = new FakeClock()
  sent = []
  askedAt = []
  answers = []
  networks = [network]
  const kept = keepingLogger()
  lines = kept.lines
  warnings = new Warnings({ logger: kept.logger, clock })
  exits = {
    towards: () => ({
      address: network.address,
      send: async (payload, port, address) => void answers.push({ payload, port, address }),
    }),
    broadcast: async (payload, { broadcast }) => {
      sent.push(payload)
      askedAt.push(broadcast)
    },
  }
  others = build(kept.logger)
})

function build(logger: Logger): OtherAppliances {
  return new OtherAppliances({
    ...{ logger, clock, exits },
    warnings: warnings.source({ name: 'discovery' }),
    routing: { isOwn: (address) => address === network.address },
    networks: () => networks,
  })
}

let scene: Scene | undefined
afterEach(async () => {
  await others.stop()
  await scene?.close()
  scene = undefined
})

function parse(payload: Buffer | undefined) {
  const decoded = decodeFrame(payload ?? Buffer.alloc(0))
  return decoded.framed ? parsePeerMessage(decoded.frame) : undefined
}

/** Says it from this address, and returns what is answered. */
async function say(message: PeerMessage, address = '10.0.0.2') {
  answers = []
  await others.hear(message, {
    ...{ payload: Buffer.alloc(0), address, port: 5000, discoveryPort: 29_810, localAddress: undefined },
  })
  for (const answer of answers) expect(answer).toMatchObject({ port: 5000, address })
  expect(answers.length).toBeLessThanOrEqual(1)
  return parse(answers[0]?.payload)
}

test('each network is asked at the start and every two minutes', async () => {
  await others.start(new AbortController().signal)
  await expect.poll(() => sent.length).toBe(1)
  expect(parse(sent[0])).toEqual({ kind: 'probe', instance: expect.any(String) })
  clock.advance(119_000)
  expect(sent).toHaveLength(1)
  clock.advance(1000)
  await expect.poll(() => sent.length).toBe(2)
})

test('a network that cannot be asked, or one that cannot be answered, ends nothing', async () => {
  exits = {
    towards: () => ({ address: network.address, send: () => Promise.reject(new Error('EPERM')) }),
    broadcast: () => Promise.reject(new Error('ENETUNREACH')),
  }
  const failing = build(keepingLogger().logger)
  await expect(failing.probe()).resolves.toBeUndefined()
  const datagram = { ...{ payload: Buffer.alloc(0), address: '10.0.0.2', port: 5000, discoveryPort: 29_810 } }
  await expect(failing.hear({ kind: 'probe' }, { ...datagram, localAddress: undefined })).resolves.toBeUndefined()
})

test('a probe is answered and remembered; an answer is remembered and never answered', async () => {
  expect((await say({ kind: 'probe', instance: randomUUID() }))?.kind).toBe('answer')
  expect(await say({ kind: 'answer', instance: randomUUID() }, '10.0.0.3')).toBeUndefined()
  expect(others.list().map(({ address }) => address)).toEqual(['10.0.0.2', '10.0.0.3'])
  expect(lines.filter((line) => line.includes('another omada-host'))).toHaveLength(1)
  expect(warnings.list()).toEqual([
    expect.objectContaining({ code: 'OTHER_APPLIANCE', message: expect.stringContaining('at 10.0.0.2, 10.0.0.3:') }),
  ])
})

test('who only asks is answered and not remembered, and neither is what runs on this machine', async () => {
  expect((await say({ kind: 'probe' }))?.kind).toBe('answer')
  expect((await say({ kind: 'probe', instance: randomUUID() }, network.address))?.kind).toBe('answer')
  expect(await say({ kind: 'unknown' })).toBeUndefined()
  expect(others.list()).toEqual([])
  expect(warnings.list()).toEqual([])
})

test('our own probe that comes back by another way is neither answered nor remembered', async () => {
  await others.probe()
  const own = parse(sent[0])
  if (own === undefined) throw new Error('no probe')
  expect(await say(own)).toBeUndefined()
  expect(others.list()).toEqual([])
})

test('one that is silent for three of its probes is forgotten', async () => {
  const instance = randomUUID()
  await say({ kind: 'probe', instance })
  clock.advance(360_000)
  expect(others.list()).toHaveLength(1)
  clock.advance(61_000)
  expect(others.list()).toEqual([])
  others.tell()
  expect(warnings.list()).toEqual([])
})

test('one that leaves is forgotten at once, and nobody can leave for another', async () => {
  const instance = randomUUID()
  await say({ kind: 'probe', instance })
  expect(await say({ kind: 'leave', instance: randomUUID() })).toBeUndefined()
  expect(await say({ kind: 'leave', instance }, '10.0.0.3')).toBeUndefined()
  expect(others.list()).toHaveLength(1)
  expect(await say({ kind: 'leave', instance })).toBeUndefined()
  expect(others.list()).toEqual([])
  expect(warnings.list()).toEqual([])
})

test('who was asked is told once that this one leaves', async () => {
  await others.stop()
  expect(sent).toEqual([])
  await others.probe()
  networks = [network, { ...network, interface: 'lan1', address: '10.0.1.1', broadcast: '10.0.1.255' }]
  await others.stop()
  await others.stop()
  const [asked, told] = sent.map(parse)
  expect(told).toEqual({ ...asked, kind: 'leave' })
  expect(askedAt).toEqual(['10.0.0.255', '10.0.0.255'])
})

test('a network that has come is asked at once, and the others are left alone', async () => {
  await others.probe()
  await others.probe('new')
  networks = [network, { ...network, interface: 'lan1', address: '10.0.1.1', broadcast: '10.0.1.255' }]
  await others.probe('new')
  await others.probe('new')
  expect(askedAt).toEqual(['10.0.0.255', '10.0.1.255'])
})

test('a stranger who plays many fills no memory, no warning and no log', async () => {
  for (let number = 0; number < 1000; number++) {
    await say({ kind: 'answer', instance: randomUUID() }, `10.1.${number >> 8}.${number & 255}`)
  }
  expect(others.list()).toHaveLength(64)
  expect(warnings.list()[0]?.message).toMatch(/ and 61 more:/)
  expect(lines.length).toBe(1)
  expect(warnings.list()[0]?.message.length).toBeLessThan(200)
})

test('a probe is answered by the edge itself, from where it was asked, and never relayed', async () => {
  scene = await Scene.start({ dependencies: { addresses: new SetAddresses([local('127.0.1.1')]) } })
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
  expect(scene.warnings()).toContainEqual(expect.objectContaining({ code: 'OTHER_APPLIANCE' }))
})
