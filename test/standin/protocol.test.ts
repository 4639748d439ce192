import { describe, expect, it } from 'vitest'
import { announcement, readAnnouncement } from './protocol/announce.ts'
import { authToken } from './protocol/auth.ts'
import { decodeDatagram, encodeFrame, FrameReader } from './protocol/frame.ts'
import { factoryControllerId, toMessage } from './protocol/messages.ts'

const identity = { mac: 'AA-BB-CC-00-00-01', model: 'EAP670', name: 'Lobby', address: '192.0.2.7' }

function raw(json: string, length = Buffer.byteLength(json)): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(length >>> 0)
  return Buffer.concat([head, Buffer.from(json)])
}

const header = '"header":{"type":1,"mac":"AA-BB-CC-00-00-01","device":"ap"}'

describe('a frame', () => {
  it('is four bytes of big-endian length and JSON', () => {
    const frame = encodeFrame({ header: { type: 2, mac: identity.mac, device: 'ap' }, body: { name: 'Büro' } })
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4)
    expect(JSON.parse(frame.subarray(4).toString())).toEqual({
      header: { type: 2, mac: identity.mac, device: 'ap' },
      body: { name: 'Büro' },
    })
    expect(decodeDatagram(frame)?.body).toEqual({ name: 'Büro' })
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0])],
    ['a length too short', raw(`{${header}}`, 10)],
    ['a length too long', raw(`{${header}}`, 100_000)],
    ['no JSON', raw('{"header":')],
    ['no object', raw('[1, 2, 3]')],
    ['no header', raw('{"body":{}}')],
    ['a MAC that is none', raw('{"header":{"type":1,"mac":"__proto__","device":"ap"}}')],
    ['invalid UTF-8', Buffer.concat([raw('', 4), Buffer.from('fffefdfc', 'hex')])],
    ['more than 2000 bytes', raw(`{${header},"body":{"x":"${'x'.repeat(2000)}"}}`)],
  ])('is not %s', (_, bytes) => {
    expect(decodeDatagram(bytes)).toBeUndefined()
  })

  it('is found in a stream however that is cut', () => {
    const frame = encodeFrame({ header: { type: 3, mac: identity.mac, device: 'ap' }, body: { n: 1 } })
    const stream = Buffer.concat([frame, frame, frame])
    for (const size of [1, 3, 7, frame.length, frame.length + 1, stream.length]) {
      const reader = new FrameReader()
      let found = 0
      for (let at = 0; at < stream.length; at += size) found += reader.push(stream.subarray(at, at + size)).length
      expect(found).toBe(3)
    }
  })

  it('ends a stream that claims to be longer than it may', () => {
    expect(() => new FrameReader().push(Buffer.from('7fffffff', 'hex'))).toThrow('too long')
    expect(() => new FrameReader().push(raw('{}'))).toThrow('no message')
  })
})

it('drops control characters and foreign types from a header', () => {
  const message = toMessage({ header: { type: 1, mac: identity.mac, device: 'a\u0007p', seq: 'x', dest: 5, error: 0 } })
  expect(message?.header).toEqual({ type: 1, mac: identity.mac, device: 'ap', error: 0 })
})

it('computes the proof as a reference computation outside Node does', () => {
  expect(authToken('admin', 'admin', '0f8fad5b-d9cb-469f-a165-70867728950e')).toBe(
    'EC7AB2175FDD2387D21EDD38AB5DD60E31D13CFF92495F1D4E2A3BC22BCA5FAE',
  )
})

describe.each(['ap', 'switch', 'gateway'] as const)('an announce of class %s', (deviceClass) => {
  it('is read back by the controller', () => {
    const message = announcement({ ...identity, class: deviceClass }, factoryControllerId, 1000, 90_061)
    const decoded = decodeDatagram(encodeFrame(message))
    expect(decoded && readAnnouncement(decoded)).toEqual({
      class: deviceClass,
      model: 'EAP670',
      name: 'Lobby',
      firmware: '1.0.0 Build 20260101',
      address: '192.0.2.7',
      controllerId: factoryControllerId,
    })
    expect(JSON.stringify(message.body)).toContain('"1 days 01:01:01"')
  })

  it('is not understood with the controller id where another class has it', () => {
    const message = announcement({ ...identity, class: deviceClass }, factoryControllerId, 1000, 0)
    const { controller, controllerSetting, ...rest } = message.body
    const swapped = deviceClass === 'ap' ? { controller: controllerSetting } : { controllerSetting: controller }
    expect(readAnnouncement({ ...message, body: { ...rest, ...swapped } })).toBeUndefined()
  })
})
