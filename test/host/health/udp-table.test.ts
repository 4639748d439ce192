import { createSocket } from 'node:dgram'
import { expect, it } from 'vitest'
import { boundUdpPorts, parseUdpTable } from '../../../src/host/health/udp-table.ts'

const head = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n'
const row = (local: string, state: string, remote = '00000000:0000') =>
  `  123: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000   508        0 4711 2 0 0\n`
const any6 = '0'.repeat(32)

it.each([
  ['IPv4, any address', row('00000000:7472', '07'), [29810]],
  ['IPv4, one address', row('0A51810A:7472', '07'), [29810]],
  ['IPv6, any address: Java', row(`${any6}:6979`, '07'), [27001]],
  ['IPv4 loopback', row('0100007F:7472', '07'), []],
  ['IPv6 loopback', row('00000000000000000000000001000000:7472', '07'), []],
  ['IPv4-mapped loopback', row('0000000000000000FFFF00000100007F:7472', '07'), []],
  ['connected: takes datagrams of one peer only', row('00000000:7472', '01', '0101A8C0:0035'), []],
  ['not a row', 'rubbish\n\n::\n', []],
])('%s', (_, rows, ports) => {
  expect([...parseUdpTable(head + rows)]).toEqual(ports)
})

it('sees a bound socket of this namespace until it is closed', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, resolve)
  })
  const { port } = socket.address()
  expect((await boundUdpPorts()).has(port)).toBe(true)
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  expect((await boundUdpPorts()).has(port)).toBe(false)
})
