import { expect, test } from 'vitest'
import { rewriteAddress } from '../../../src/edge/discovery/rewrite.ts'
import { decodeFrame } from '../../../src/omada/frame.ts'

const replace = { from: '10.129.81.10', to: '192.168.100.200' }

/** The JSON after rewriting; undefined when nothing was replaced. */
function rewritten(json: string): string | undefined {
  const frame = rewriteAddress(json, replace)
  if (frame === undefined) return undefined
  const decoded = decodeFrame(frame)
  return decoded.framed ? decoded.json : `not a frame: ${decoded.reason}`
}

test.each([
  ['10.129.81.10', '192.168.100.200'],
  ['10.129.81.10:29814', '192.168.100.200:29814'],
  ['https://10.129.81.10/', 'https://192.168.100.200/'],
  ['https://10.129.81.10:8043/x?y#z', 'https://192.168.100.200:8043/x?y#z'],
  ['https://user:secret@10.129.81.10:8043', 'https://user:secret@192.168.100.200:8043'],
  ['https://portal/?controller=10.129.81.10&x=1', 'https://portal/?controller=192.168.100.200&x=1'],
  ['10.129.81.10,10.129.81.10:29815', '192.168.100.200,192.168.100.200:29815'],
  ['the controller is at 10.129.81.10.', 'the controller is at 192.168.100.200.'],
])('%s becomes %s', (from, to) => {
  expect(rewritten(JSON.stringify({ header: {}, body: { deep: [{ er: from }] } }))).toBe(
    JSON.stringify({ header: {}, body: { deep: [{ er: to }] } }),
  )
})

test.each([
  '10.129.81.100',
  '110.129.81.10',
  '1.10.129.81.10',
  '10.129.81.10.5',
  '10.129.81.10.example.net',
  'host-10.129.81.10',
  'v10.129.81.10',
  '10.129.81.10-rc1',
  '10.129.81.1',
])('%s is something else and stays', (value) => {
  expect(rewritten(JSON.stringify({ header: { value } }))).toBeUndefined()
})

test('a dot of the address stands for nothing but a dot', () => {
  const json = JSON.stringify({ header: { version: '10-129-81-10', address: '10.129.81.10' } })
  expect(rewritten(json)).toBe(json.replace('10.129.81.10', '192.168.100.200'))
})

test('a key is not a value', () => {
  expect(rewritten('{"header":{"10.129.81.10" : 1}}')).toBeUndefined()
  expect(rewritten('{"header":{"10.129.81.10" : "10.129.81.10"}}')).toBe(
    '{"header":{"10.129.81.10" : "192.168.100.200"}}',
  )
})

test('escapes before and after the address are no part of it', () => {
  expect(rewritten(String.raw`{"header":{"a":"x\n10.129.81.10\n","b":"http:\/\/10.129.81.10\/\"q\""}}`)).toBe(
    String.raw`{"header":{"a":"x\n192.168.100.200\n","b":"http:\/\/192.168.100.200\/\"q\""}}`,
  )
})

test('everything else stays as it was: long numbers, spaces, order, repeated and odd keys, text beyond ASCII', () => {
  const json =
    '{ "header" : {"seq":12345678901234567890, "seq":1.0e2,"__proto__":{"a":1}},"body":{"n":"Küche 💡","ip":"10.129.81.10"}}'
  expect(rewritten(json)).toBe(json.replace('"10.129.81.10"', '"192.168.100.200"'))
})

test('a thousand backslashes and quotes take no time', () => {
  const json = JSON.stringify({ header: { a: '\\"'.repeat(4000), b: '10.129.81.10' } })
  expect(rewritten(json)).toBe(json.replace('10.129.81.10', '192.168.100.200'))
})
