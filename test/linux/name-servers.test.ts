import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMachineNames } from '../../src/linux/name-servers.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'names-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const heading =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n'
const bound = (local: string, remote = '00000000:0000') =>
  `${heading}  482: ${local} ${remote} 07 00000000:00000000 00:00000000 00000000     0        0 24680 2 0000000000000000 0\n`

async function read(files: { resolvConf?: string; resolved?: string; udp?: string; udp6?: string }) {
  const path = (name: string) => join(directory, name)
  const names = ['resolvConf', 'resolved', 'udp', 'udp6'] as const
  for (const name of names) await writeFile(path(name), files[name] ?? '')
  const [resolvConf, resolved, udp, udp6] = names.map(path)
  return readMachineNames({ resolvConf: resolvConf ?? '', resolved: resolved ?? '', udp: udp ?? '', udp6: udp6 ?? '' })
}

test('the name servers are those of resolv.conf', async () => {
  const resolvConf = '# nameserver 192.0.2.9\nsearch lan\nnameserver 192.0.2.1\n nameserver\tfe80::1%eth0\n'
  expect((await read({ resolvConf })).servers).toEqual(['192.0.2.1', 'fe80::1%eth0'])
  expect(await read({})).toEqual({ servers: [], served: false })
})

test("behind systemd-resolved's own they are those that it asks; without such a file it is a server like another", async () => {
  const resolvConf = 'nameserver 127.0.0.53\noptions edns0\n'
  expect((await read({ resolvConf, resolved: 'nameserver 192.0.2.1\n' })).servers).toEqual(['192.0.2.1'])
  expect((await read({ resolvConf })).servers).toEqual(['127.0.0.53'])
  const both = { resolvConf: `${resolvConf}nameserver 192.0.2.2\n`, resolved: 'nameserver 192.0.2.1\n' }
  expect((await read(both)).servers).toEqual(['127.0.0.53', '192.0.2.2'])
})

test.each([
  ['every IPv4 address', { udp: bound('00000000:0035') }, true],
  [
    'every address',
    { udp6: bound('00000000000000000000000000000000:0035', '00000000000000000000000000000000:0000') },
    true,
  ],
  ['the loopback', { udp: bound('0100007F:0035') }, false],
  ['one address', { udp: bound('014D4D0A:0035') }, false],
  ['another port', { udp: bound('00000000:0043') }, false],
  ['every address, connected', { udp: bound('00000000:0035', '0A4D4D0A:D431') }, false],
])('a name server on %s', async (_, files, served) => {
  expect((await read(files)).served).toBe(served)
})
