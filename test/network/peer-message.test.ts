import { expect, test } from 'vitest'
import { encodePeerMessage, parsePeerMessage } from '../../src/network/peer-message.ts'
import { decodeFrame, encodeFrame } from '../../src/omada/frame.ts'

const instance = '0f3b0a52-9d3c-4a7e-8f26-0c4f5f1f0f6d'

function parse(payload: Buffer) {
  const decoded = decodeFrame(payload)
  return decoded.framed ? parsePeerMessage(decoded.frame) : 'not framed'
}

test.each([
  { kind: 'probe' },
  { kind: 'probe', instance },
  { kind: 'answer', instance },
  { kind: 'leave', instance },
] as const)('%j is read as it was written', (message) => {
  expect(parse(encodePeerMessage(message))).toEqual(message)
})

test.each([
  { omadaHost: 'answer' },
  { omadaHost: 'leave' },
  { omadaHost: 'answer', instance: 'A name\n' },
  { omadaHost: 'probe', instance: 7 },
  { omadaHost: 'greeting', instance },
  { omadaHost: {} },
])('%j is ours, and not understood', (header) => {
  expect(parse(encodeFrame(JSON.stringify({ header })))).toEqual({ kind: 'unknown' })
})

test.each([
  '{"header":{"type":1}}',
  '{"header":{},"body":{"omadaHost":"probe"}}',
  '{"header":{"__proto__":{"omadaHost":"probe"}}}',
])('%s is none of ours', (json) => {
  expect(parse(encodeFrame(json))).toBeUndefined()
})
