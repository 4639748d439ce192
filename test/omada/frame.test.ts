import { expect, test } from 'vitest'
import { decodeFrame, encodeFrame, ownValue } from '../../src/omada/frame.ts'

const frameOf = (value: unknown) => encodeFrame(JSON.stringify(value))
const reasonOf = (datagram: Uint8Array) => {
  const decoded = decodeFrame(datagram)
  return decoded.framed ? 'framed' : decoded.reason
}

test('a frame survives encoding and decoding', () => {
  const datagram = frameOf({ header: { type: 1, name: 'Küche 💡' }, body: { a: 1 } })
  expect(datagram.readUInt32BE()).toBe(datagram.byteLength - 4)
  const decoded = decodeFrame(datagram)
  expect(decoded).toMatchObject({ framed: true, frame: { header: { type: 1, name: 'Küche 💡' }, body: { a: 1 } } })
})

test('a frame is decoded within a larger buffer', () => {
  const datagram = frameOf({ header: {}, body: {} })
  const larger = Buffer.concat([Buffer.from('before'), datagram, Buffer.from('after')])
  expect(reasonOf(larger.subarray(6, 6 + datagram.byteLength))).toBe('framed')
})

test.each([
  ['nothing', Buffer.alloc(0), 'too-short'],
  ['one byte', Buffer.from([1]), 'too-short'],
  ['three bytes', Buffer.alloc(3), 'too-short'],
  ['a length and nothing else', Buffer.alloc(4), 'not-json'],
  ['a length that is one too small', Buffer.concat([frameOf({ header: {} }), Buffer.from(' ')]), 'wrong-length'],
  ['a length that is one too large', frameOf({ header: {} }).subarray(0, -1), 'wrong-length'],
  ['the largest length', Buffer.from([255, 255, 255, 255, 123, 125]), 'wrong-length'],
  ['64 KB of zeros', Buffer.alloc(65_507), 'wrong-length'],
  ['invalid UTF-8', Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from([0xc3, 0x28])]), 'not-utf8'],
  ['an overlong encoding', Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from([0xc0, 0xaf])]), 'not-utf8'],
  ['half of JSON', encodeFrame('{"header":{'), 'not-json'],
  ['a byte order mark', encodeFrame('\ufeff{"header":{}}'), 'not-json'],
  ['JSON that is a list', frameOf([{ header: {} }]), 'no-header'],
  ['JSON that is null', frameOf(null), 'no-header'],
  ['no header', frameOf({ body: {} }), 'no-header'],
  ['a header that is a text', frameOf({ header: 'x' }), 'no-header'],
  ['a header that is only inherited', encodeFrame('{"__proto__":{"header":{}}}'), 'no-header'],
])('%s is not a frame', (_, datagram, reason) => {
  expect(reasonOf(datagram)).toBe(reason)
})

test('deep JSON is refused before anything recurses into it, brackets within texts do not count', () => {
  expect(reasonOf(encodeFrame(`{"header":{},"body":${'['.repeat(20_000)}${']'.repeat(20_000)}}`))).toBe('too-deep')
  expect(reasonOf(encodeFrame(`{"header":{},"body":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}`))).toBe('too-deep')
  expect(reasonOf(frameOf({ header: { text: '[\\"['.repeat(500) } }))).toBe('framed')
})

test('__proto__ is a key like any other and changes no object', () => {
  const decoded = decodeFrame(
    encodeFrame('{"header":{"__proto__":{"type":1},"mac":"x"},"body":{"__proto__":{"polluted":1}}}'),
  )
  expect(decoded.framed && ownValue(decoded.frame.header, 'type')).toBeUndefined()
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  expect(ownValue({}, 'toString')).toBeUndefined()
})

test('random bytes never throw', () => {
  let state = 12_345
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  }
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(Array.from({ length: next() % 64 }, () => next() & 255))
    // Half of them with the right length, so that the rest of the decoder sees them too.
    if (round % 2 === 0 && bytes.length >= 4) bytes.writeUInt32BE(bytes.length - 4)
    expect(decodeFrame(bytes).framed).toBe(false)
  }
})
