import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Datagram } from '../../../src/edge/discovery/port-listeners.ts'
import { Sessions } from '../../../src/edge/discovery/sessions.ts'
import { FakeClock } from './support/fake-clock.ts'
import { Peer } from './support/peer.ts'
import { received } from './support/scene.ts'

let clock: FakeClock
let container: Peer
let sessions: Sessions
let answers: string[]
let crowded: number

beforeEach(async () => {
  clock = new FakeClock()
  container = await Peer.open('127.0.81.10')
  answers = []
  crowded = 0
  sessions = new Sessions({
    clock,
    max: 16,
    idleSeconds: 90,
    onAnswer: (session, payload) => void answers.push(`${session.port} ${payload}`),
    onError: () => {},
    onCrowded: () => {
      crowded++
    },
  })
})

afterEach(async () => {
  sessions.closeAll()
  await container.close()
})

const from = (port: number, changes: Partial<Datagram> = {}): Datagram => ({
  payload: Buffer.from('x'),
  address: '192.0.2.7',
  port,
  discoveryPort: container.port,
  localAddress: '192.0.2.1',
  ...changes,
})
const sessionOf = (datagram: Datagram) => sessions.of(datagram, '127.0.81.10')
const send = (session: ReturnType<Sessions['of']>) =>
  new Promise<Error | undefined>((done) => session.upstream.send(Buffer.from('x'), done))

test('one socket for each device address, device port and discovery port', () => {
  const session = sessionOf(from(1))
  expect(sessionOf(from(1))).toBe(session)
  expect(sessionOf(from(2))).not.toBe(session)
  expect(sessionOf(from(1, { address: '192.0.2.8' }))).not.toBe(session)
  expect(sessionOf(from(1, { discoveryPort: 27_001 }))).not.toBe(session)
  expect(sessions.size).toBe(4)
  expect(sessions.hasLocalPort(session.upstream.localPort)).toBe(true)
})

test('the answer comes back on the session that asked', async () => {
  await Promise.all([send(sessionOf(from(1))), send(sessionOf(from(2)))])
  for (const question of await received(container, 2)) await container.send('answer', question.port, question.address)
  await expect.poll(() => [...answers].sort()).toEqual(['1 answer', '2 answer'])
})

test('nobody but the controller can answer', async () => {
  const stranger = await Peer.open('127.0.81.10')
  const session = sessionOf(from(1))
  await send(session)
  await stranger.send('forged', session.upstream.localPort, '127.0.0.1')
  await container.send('real', session.upstream.localPort, '127.0.0.1')
  await stranger.close()
  await received(container, 1)
  await container.send('real', container.received[0]?.port ?? 0, container.received[0]?.address ?? '')
  await expect.poll(() => answers.length).toBeGreaterThan(0)
  expect(new Set(answers)).toEqual(new Set(['1 real']))
})

test('an idle session is closed, one in use by either side is not', () => {
  const idle = sessionOf(from(1))
  const asking = sessionOf(from(2))
  const answered = sessionOf(from(3))
  clock.advance(60_000)
  sessionOf(from(2))
  sessions.touch(answered)
  clock.advance(29_999)
  sessions.expire()
  expect(sessions.size).toBe(3)
  clock.advance(1)
  sessions.expire()
  expect(sessions.size).toBe(2)
  expect(sessions.hasLocalPort(idle.upstream.localPort)).toBe(false)
  expect(sessionOf(from(2))).toBe(asking)
  expect(sessionOf(from(3))).toBe(answered)
  clock.advance(90_000)
  sessions.expire()
  expect(sessions.size).toBe(0)
})

test('when the table is full the longest idle gives way and its socket is closed', async () => {
  const first = sessionOf(from(1))
  const second = sessionOf(from(2))
  for (let port = 3; port <= 16; port++) sessionOf(from(port))
  sessionOf(from(1))
  expect(crowded).toBe(0)
  sessionOf(from(17))
  expect([sessions.size, crowded]).toEqual([16, 1])
  expect(await send(second)).toBeInstanceOf(Error)
  expect(await send(first)).toBeUndefined()
})

test('a session that is gone is not brought back by a late answer', () => {
  const session = sessionOf(from(1))
  clock.advance(90_000)
  sessions.expire()
  sessions.touch(session)
  expect(sessions.size).toBe(0)
})

test('a session with an address that the controller had before gives way to one with the new address', async () => {
  const before = sessionOf(from(1))
  const after = sessions.of(from(1), '127.0.81.11')
  expect(after).not.toBe(before)
  expect(sessions.of(from(1), '127.0.81.11')).toBe(after)
  expect([sessions.size, crowded]).toEqual([1, 0])
  expect(await send(before)).toBeInstanceOf(Error)
  expect(sessions.hasLocalPort(before.upstream.localPort)).toBe(false)
})
