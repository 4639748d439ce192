import { expect, test } from 'vitest'
import { hostOf, meansThisMachine, ownDomainsOf } from '../../../src/edge/status/host-header.ts'

test.for([
  ['omada.local:8090', 'omada.local'],
  ['Omada.Local.', 'omada.local'],
  ['[FE80::1]:80', '[fe80::1]'],
  ['[::ffff:1.2.3.4]', '[::ffff:1.2.3.4]'],
  ['[not-an-address]', undefined],
  ['[1::2::3]', undefined],
  ['<script>', undefined],
  ['a:b', undefined],
  ['.', undefined],
  ['', undefined],
] as const)('the host of "%s" is %s', ([header, host]) => {
  expect(hostOf(header)).toBe(host)
})

test("names in this machine's own domains are trusted, those beside them are not", () => {
  const own = ownDomainsOf('Box.School.example', '# c\nnameserver 1.1.1.1\nsearch lab.example com\n domain fritz.box\n')
  expect(own).toEqual(['box.school.example', 'lab.example', 'fritz.box'])
  for (const name of ['box.school.example', 'omada.lab.example', 'lab.example', 'omada.fritz.box']) {
    expect(meansThisMachine(name, own)).toBe(true)
  }
  for (const name of ['evil.com', 'evillab.example', 'school.example', 'lab.example.com']) {
    expect(meansThisMachine(name, own)).toBe(false)
  }
})
