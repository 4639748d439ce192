import { expect, test } from 'vitest'
import { databasePeers, type Names } from '../../../src/host/datapath/database-peers.ts'

const known: Readonly<Record<string, readonly string[]>> = {
  'db.example': ['192.0.2.1', '192.0.2.2'],
  a: ['192.0.2.3'],
  b: ['192.0.2.4'],
}
const names: Names = {
  ipv4: async (name) => known[name] ?? Promise.reject(new Error('ENOTFOUND')),
  srv: async (name) =>
    name === '_mongodb._tcp.cluster.example'
      ? [
          { name: 'a', port: 27_018 },
          { name: 'gone', port: 27_018 },
        ]
      : Promise.reject(new Error('ENOTFOUND')),
}

test.each<[string, [string, number][]]>([
  ['mongodb://192.0.2.9/omada', [['192.0.2.9', 27_017]]],
  ['mongodb://user:s%40cret@192.0.2.9:27018/omada?tls=true', [['192.0.2.9', 27_018]]],
  [
    'mongodb://db.example',
    [
      ['192.0.2.1', 27_017],
      ['192.0.2.2', 27_017],
    ],
  ],
  [
    'mongodb://a:1,b,gone:2/omada?replicaSet=rs',
    [
      ['192.0.2.3', 1],
      ['192.0.2.4', 27_017],
    ],
  ],
  ['mongodb+srv://user:secret@cluster.example/omada', [['192.0.2.3', 27_018]]],
  ['mongodb+srv://gone.example/omada', []],
  ['mongodb://[2001:db8::1]:27017/omada', []],
  ['mongodb://%2Frun%2Fmongodb.sock/omada', []],
])('%s', async (uri, expected) => {
  const peers = await databasePeers(uri, names)
  expect(peers.map(({ address, port }) => [address, port])).toEqual(expected)
})
