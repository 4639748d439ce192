import { afterEach, expect, test } from 'vitest'
import { announceOf, containerAddress, local, preAdoptOf, SetAddresses } from './support/edge.ts'
import { received, Scene } from './support/scene.ts'

let scene: Scene
afterEach(() => scene.close())

test('a datagram reaches the controller byte for byte, and the answer leaves from the address that was addressed', async () => {
  scene = await Scene.start()
  const answer = Buffer.from([0, 255, 1, 254])
  const controller = await scene.controller(() => answer)
  for (const address of ['127.0.0.1', '127.0.1.1']) {
    const device = await scene.device('127.0.0.9')
    await device.send(Buffer.from([7, 0, 255]), scene.discoveryPort, address)
    expect(await received(device, 1)).toEqual([{ payload: answer, address, port: scene.discoveryPort }])
  }
  expect(controller.received.map((datagram) => [...datagram.payload])).toEqual([
    [7, 0, 255],
    [7, 0, 255],
  ])
  await scene.settled({ relayed: 2, answered: 2 })
})

test("an answer to a broadcast leaves from this machine's address towards the device", async () => {
  scene = await Scene.start({ dependencies: { towards: () => local('127.0.1.1') } })
  await scene.controller(() => Buffer.from('here'))
  const device = await scene.device('127.0.0.9')
  // No socket is bound to this address: like a broadcast it arrives at the wildcard's.
  await device.send('where', scene.discoveryPort, '127.0.77.77')
  expect(await received(device, 1)).toMatchObject([{ address: '127.0.1.1', port: scene.discoveryPort }])
})

test('the latest datagram decides by which address the device is answered', async () => {
  scene = await Scene.start()
  await scene.controller((datagram) => datagram.payload)
  const device = await scene.device('127.0.0.9')
  await device.send('one', scene.discoveryPort, '127.0.0.1')
  await received(device, 1)
  await device.send('two', scene.discoveryPort, '127.0.1.1')
  const answers = await received(device, 2)
  expect(answers.map((answer) => answer.address)).toEqual(['127.0.0.1', '127.0.1.1'])
  expect(scene.discovery.state().sessions).toBe(1)
})

test('each port is relayed to the same port of the controller, opaque', async () => {
  scene = await Scene.start()
  const controller = await scene.controller()
  const app = await scene.controller((datagram) => Buffer.from(`app ${datagram.payload}`), scene.appPort)
  const device = await scene.device()
  await device.send('app?', scene.appPort, '127.0.0.1')
  expect((await received(device, 1))[0]).toMatchObject({ port: scene.appPort, payload: Buffer.from('app app?') })
  await device.send('device?', scene.discoveryPort, '127.0.0.1')
  await received(controller, 1)
  expect(app.texts()).toEqual(['app?'])
  expect(scene.discovery.state().sessions).toBe(2)
})

test("the container's address in a framed answer becomes the address that the device reached", async () => {
  scene = await Scene.start()
  const text = 'https://127.0.0.1:8043'
  await scene.controller(() => preAdoptOf({ host: containerAddress, url: `https://${containerAddress}:8043` }))
  const device = await scene.device()
  await device.send(announceOf(), scene.discoveryPort, '127.0.0.1')
  const [answer] = await received(device, 1)
  expect(answer?.payload).toEqual(preAdoptOf({ host: '127.0.0.1', url: text }))
})

test('what is no frame passes untouched although it names the address; so does everything when rewriting is off', async () => {
  const framed = preAdoptOf({ host: containerAddress })
  const answers = [Buffer.from(`{"host":"${containerAddress}"}`), framed]
  scene = await Scene.start({ discovery: { rewriteAddresses: false } })
  await scene.controller(() => answers.shift())
  const device = await scene.device()
  await device.send('one', scene.discoveryPort, '127.0.0.1')
  await received(device, 1)
  await device.send('two', scene.discoveryPort, '127.0.0.1')
  const [plain, frame] = await received(device, 2)
  expect(plain?.payload.toString()).toBe(`{"host":"${containerAddress}"}`)
  expect(frame?.payload).toEqual(framed)
})

test('an announcing device is shown, and a PRE_ADOPT_REQUEST to it is noticed', async () => {
  const connections = { open: 0 }
  scene = await Scene.start({ dependencies: { managementConnections: () => connections } })
  let adopt = false
  const controller = await scene.controller(() => (adopt ? preAdoptOf() : undefined))
  const device = await scene.device('127.0.0.9')
  await device.send(announceOf(), scene.discoveryPort, '127.0.0.1')
  await received(controller, 1)
  expect(scene.discovery.devices()).toMatchObject([
    { mac: 'AA-BB-CC-00-00-01', model: 'EAP670', address: '127.0.0.9', ownership: 'factory', adoption: 'announcing' },
  ])
  expect(scene.discovery.state().devices).toBe(1)
  adopt = true
  await device.send(announceOf({ seq: 2 }), scene.discoveryPort, '127.0.0.1')
  await received(device, 1)
  await expect.poll(() => scene.discovery.devices()[0]?.adoption).toBe('adopt-sent')
  connections.open = 1
  expect(scene.discovery.devices()[0]?.adoption).toBe('connected')
})

test('refused datagrams are counted and go nowhere', async () => {
  const addresses = new SetAddresses([local('127.0.0.1')])
  const access = {
    admits: (peer: { remoteAddress: string }) => peer.remoteAddress !== '127.0.0.9',
    servedAddresses: () => addresses.list(),
  }
  scene = await Scene.start({ dependencies: { access, addresses } })
  const controller = await scene.controller()
  await (await scene.device('127.0.0.9')).send('refused', scene.discoveryPort, '127.0.0.1')
  await (await scene.device('127.0.0.8')).send('admitted', scene.discoveryPort, '127.0.0.1')
  await received(controller, 1)
  await scene.settled({ relayed: 1, refused: 1 })
  expect(controller.texts()).toEqual(['admitted'])
})
