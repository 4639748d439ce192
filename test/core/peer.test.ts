import { expect, test } from 'vitest'
import { parsePeer } from '../../src/core/peer.ts'

test.each([
  ['192.0.2.1', { address: '192.0.2.1' }],
  ['192.0.2.1:25', { address: '192.0.2.1', port: 25 }],
  ['192.0.2.1:65535', { address: '192.0.2.1', port: 65_535 }],
])('%s', (text, peer) => {
  expect(parsePeer(text)).toEqual(peer)
})

test.each([
  '',
  '192.0.2',
  '192.0.2.1:',
  '192.0.2.1:0',
  '192.0.2.1:65536',
  '192.0.2.1/24',
  'mail.lan',
  '::1',
  '[::1]:25',
])('%j is none', (text) => {
  expect(parsePeer(text)).toBeUndefined()
})
