import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appliancePorts } from '../../src/config/appliance-ports.ts'
import { configSchema } from '../../src/config/schema.ts'
import { root } from '../architecture/sources.ts'

/** Every port that the edge serves by default. */
const served = appliancePorts(configSchema.parse({}))
  .map(({ protocol, port }) => `${port}/${protocol}`)
  .sort()

/** `29811-29813` with the protocol, port by port. */
function expand(range: string, protocol: string): string[] {
  const [first = '', last = first] = range.split(/[-:]/)
  const count = Number(last) - Number(first) + 1
  return Array.from({ length: count }, (_, index) => `${Number(first) + index}/${protocol}`)
}

test('firewalld: the service has every port that the edge serves, and no other', () => {
  const xml = readFileSync(join(root, 'units/omada-host.firewalld.xml'), 'utf8')
  const ports = [...xml.matchAll(/<port protocol="(\w+)" port="([\d-]+)"\/>/g)]
  expect(ports.flatMap(([, protocol = '', range = '']) => expand(range, protocol)).sort()).toEqual(served)
})

test('ufw: the profile has every port that the edge serves, and no other', () => {
  const profile = readFileSync(join(root, 'units/omada-host.ufw'), 'utf8')
  const [, list = ''] = /^ports=(.*)$/m.exec(profile) ?? []
  const ports = list.split('|').flatMap((group) => {
    const [ranges = '', protocol = ''] = group.split('/')
    return ranges.split(',').flatMap((range) => expand(range, protocol))
  })
  expect(ports.sort()).toEqual(served)
  for (const key of ['title', 'description']) expect(profile).toMatch(new RegExp(`^${key}=.+$`, 'm'))
})
