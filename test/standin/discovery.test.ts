import { createSocket, type Socket } from 'node:dgram'
import { expect, it, onTestFinished } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import type { DiscoveryCounts } from './controller/discovery.ts'
import { announcement } from './protocol/announce.ts'
import { decodeDatagram, encodeFrame } from './protocol/frame.ts'
import { factoryControllerId, type Message } from './protocol/messages.ts'
import { deviceOf, operator, type Running, startController } from './support.ts'

const mac = 'AA-BB-CC-00-00-01'

/** A bare socket that plays a device datagram by datagram. */
async function peer(running: Running): Promise<{ socket: Socket; send: (bytes: Buffer) => void; received: Message[] }> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  const received: Message[] = []
  socket.on('message', (bytes) => {
    const message = decodeDatagram(bytes)
    if (message !== undefined) received.push(message)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  return { socket, send: (bytes) => socket.send(bytes, running.at('discovery'), '127.0.0.1'), received }
}

function announce(o: { age?: number; controllerId?: string } = {}): Buffer {
  const identity = { class: 'ap', mac, model: 'EAP670', name: 'Lobby', address: '192.0.2.7' } as const
  return encodeFrame(announcement(identity, o.controllerId ?? factoryControllerId, Date.now() - (o.age ?? 0), 1))
}

async function counts(running: Running): Promise<DiscoveryCounts> {
  return ((await operator(running.at('api'), '/stats')).body as { discovery: DiscoveryCounts }).discovery
}

async function received(running: Running, total: number): Promise<void> {
  await waitFor(async () => expect((await counts(running)).received).toBe(total))
}

it('lists a device that announces itself, with where that came from', async () => {
  const running = await startController()
  const { socket, send } = await peer(running)
  send(announce())
  send(announce())
  await received(running, 2)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({
    class: 'ap',
    model: 'EAP670',
    name: 'Lobby',
    state: 'pending',
    announcedAddress: '192.0.2.7',
    source: { address: '127.0.0.1', port: socket.address().port },
    announces: 2,
    datagrams: 2,
  })
})

it('counts every datagram by what became of it', async () => {
  const running = await startController()
  const { send } = await peer(running)
  const stale = announce({ age: 25_000 })
  for (const bytes of [announce(), stale, stale, Buffer.from('x'), Buffer.alloc(0), Buffer.alloc(60_000, 1)])
    send(bytes)
  await received(running, 6)
  expect(await counts(running)).toMatchObject({ accepted: 1, stale: 2, malformed: 3, byMac: { [mac]: 3 } })
})

it('says whose a device is', async () => {
  const running = await startController()
  const { send } = await peer(running)
  send(announce({ controllerId: 'someone-elses' }))
  await received(running, 1)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'managed-by-others' })
  expect((await operator(running.at('api'), '/adopt', { mac })).status).toBe(409)
  send(announce())
  await received(running, 2)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'pending' })
})

it('forgets a pending device', async () => {
  const running = await startController({ STANDIN_PENDING_SECONDS: '0.3' })
  const { send } = await peer(running)
  send(announce())
  await received(running, 1)
  await waitFor(async () => expect(await deviceOf(running.at('api'), mac)).toBeUndefined())
  expect((await operator(running.at('api'), '/adopt', { mac })).status).toBe(404)
})

it('answers the next announce after Adopt, and it alone, to its source', async () => {
  const running = await startController({ STANDIN_OMADAC_ID: 'our-id' })
  const first = await peer(running)
  first.send(announce())
  await received(running, 1)
  expect((await operator(running.at('api'), '/adopt', { mac })).status).toBe(202)
  const second = await peer(running)
  second.send(announce())
  second.send(announce())
  await waitFor(() => expect(second.received.length).toBe(1))
  await received(running, 3)
  expect(second.received[0]).toMatchObject({
    header: { type: 2, mac, device: 'ap', dest: 'our-id' },
    body: { adoptPort: running.at('managerV2') },
  })
  expect(JSON.stringify(second.received)).not.toContain('10.129.81.10')
  expect(first.received).toEqual([])
  expect(await counts(running)).toMatchObject({ preAdoptsSent: 1 })
})

it.each([
  ['three', 3, {}],
  ['as many as it is told', 5, { STANDIN_ADOPT_ANNOUNCES: '5' }],
] as const)('gives an adoption up after %s more announces', async (_, most, environment) => {
  const running = await startController(environment)
  const { send } = await peer(running)
  send(announce())
  await received(running, 1)
  await operator(running.at('api'), '/adopt', { mac })
  for (let i = 0; i < most; i++) send(announce())
  await received(running, most + 1)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'adopting' })
  send(announce())
  await received(running, most + 2)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'adopt-failed' })
  expect((await operator(running.at('api'), '/adopt', { mac })).status).toBe(202)
})

it('names its own address when told to', async () => {
  const running = await startController({ STANDIN_NAME_ADDRESS: 'true' })
  const { send, received: answers } = await peer(running)
  send(announce())
  await received(running, 1)
  await operator(running.at('api'), '/adopt', { mac })
  send(announce())
  await waitFor(() => expect(answers.length).toBe(1))
  expect(answers[0]).toMatchObject({ header: { ip: '10.129.81.10' }, body: { ip: '10.129.81.10' } })
})

it('closes and reopens 29810 on demand', async () => {
  const running = await startController({ STANDIN_DISCOVERY: 'closed' })
  expect(running.controller.ports.discovery).toBeUndefined()
  await operator(running.at('api'), '/faults', { discovery: 'up' })
  const { send } = await peer(running)
  send(announce())
  await received(running, 1)
  await operator(running.at('api'), '/faults', { discovery: 'closed' })
  send(announce())
  await operator(running.at('api'), '/faults', { discovery: 'up' })
  send(announce())
  await received(running, 2)
})

it('answers the app on 27001 and counts an OLT on 19810', async () => {
  const running = await startController()
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  const answer = new Promise<string>((resolve) => socket.on('message', (bytes) => resolve(bytes.toString())))
  socket.send('who is there', running.at('appDiscovery'), '127.0.0.1')
  expect(await answer).toMatch(/^omada-stand-in 5f3a9d0c7b1e4862a0d4c9e8f7162b35 6\.2\.0\.17\nwho is there$/)
  socket.send('an OLT', running.at('olt'), '127.0.0.1')
  const stats = async () => (await operator(running.at('api'), '/stats')).body
  await waitFor(async () => expect(await stats()).toMatchObject({ app: { answered: 1 }, olt: { received: 1 } }))
})
