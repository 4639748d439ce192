import { expect, test } from 'vitest'
import { isUnspecified, parseSocketTable } from '../../src/linux/socket-table.ts'

const heading = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const listening =
  '   0: 0100007F:6A51 00000000:0000 0A 00000000:00000000 00:00000000 00000000   508        0 12345 1 0000000000000000 100 0 0 10 0\n'
const ofIpv6 =
  '   1: 00000000000000000000000000000000:7471 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 777 2 0000000000000000 0\n'

test('rows of both families', () => {
  expect(parseSocketTable(heading + listening + ofIpv6)).toEqual([
    {
      localAddress: '0100007F',
      localPort: 27_217,
      remoteAddress: '00000000',
      remotePort: 0,
      state: '0A',
      inode: '12345',
    },
    {
      localAddress: '0'.repeat(32),
      localPort: 29_809,
      remoteAddress: '0'.repeat(32),
      remotePort: 0,
      state: '07',
      inode: '777',
    },
  ])
})

test.each([
  ['nothing', ''],
  ['a heading alone', heading],
  ['a row that is cut short', `${heading}   0: 0100007F:6A51 00000000:0000 0A`],
  ['a port of five digits', heading + listening.replace('6A51', '16A51')],
  ['an address of other length', heading + listening.replace('0100007F', '01007F')],
  ['small letters', heading + listening.replace('6A51', '6a51')],
  ['another text', 'a b c d e f g h i j\n'.repeat(3)],
])('%s has no rows', (_, text) => {
  expect(parseSocketTable(text)).toEqual([])
})

test('an address that is none in particular', () => {
  expect(['00000000', '0'.repeat(32), '0100007F'].map(isUnspecified)).toEqual([true, true, false])
})
