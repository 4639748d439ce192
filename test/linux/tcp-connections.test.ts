import { expect, test } from 'vitest'
import { parseConnections } from '../../src/linux/tcp-connections.ts'

/** 29814 is 7476; 0501A8C0 is 192.168.1.5 in the kernel's words. */
const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0501A8C0:7476 0901A8C0:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0501A8C0:7476 0901A8C0:C351 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0000000000000000FFFF00000501A8C0:7476 0000000000000000FFFF00000A01A8C0:C350 01 00000000:00000000 00:00000000 0 0 0 3 1
   3: 0502A8C0:7476 0B01A8C0:C350 06 00000000:00000000 00:00000000 00000000     0        0 4 1
   4: 0501A8C0:C350 0A51810A:7476 01 00000000:00000000 00:00000000 00000000     0        0 5 1
   5: 0100007F:7476 0200007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 6 1
   6: 00000000000000000000000001000000:7476 00000000000000000000000001000000:C350 01 0:0 0:0 0 0 0 7 1
`

test('each machine counts once, by the address that it reached; neither what has ended nor what goes out', () => {
  expect(parseConnections(text, 29814)).toEqual(new Map([['192.168.1.5', 2]]))
})
