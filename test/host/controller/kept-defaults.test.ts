import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { firstDefaults, newestDefaults } from '../../../src/config/kept-defaults.ts'
import { parseIpv4Network } from '../../../src/core/cidr.ts'
import { keptDefaults, readKeptDefaults } from '../../../src/host/controller/kept-defaults.ts'
import { emptyRecord } from '../../../src/host/controller/record.ts'

const route = (cidr: string, name = 'eth0') => {
  const network = parseIpv4Network(cidr)
  if (network === undefined) throw new Error(cidr)
  return { ...network, interface: name, metric: 0 }
}
const container = { id: 'c1', version: '1.0.0' }

test('a first start has the newest image and a network that is free on this machine', () => {
  expect(keptDefaults(emptyRecord, [route('0.0.0.0/0'), route('192.168.1.0/24')])).toEqual(newestDefaults)
  expect(keptDefaults(emptyRecord, [route('10.128.0.0/9', 'lan0')])).toEqual({
    image: newestDefaults.image,
    subnet: '10.119.81.0/24',
    controllerAddress: '10.119.81.10',
    because: '10.129.81.0/24 overlaps the route to 10.128.0.0/9 by lan0',
  })
})

test('where nothing is free the default stands, and the preflight says so', () => {
  const all = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((cidr) => route(cidr))
  expect(keptDefaults(emptyRecord, all)).toEqual(newestDefaults)
})

test('a network that an earlier appliance left is no clash', () => {
  expect(keptDefaults(emptyRecord, [route('10.129.81.0/24', 'br-omada')])).toEqual(newestDefaults)
  // Nor is one that its owner has made for this one, as Docker calls it.
  expect(keptDefaults(emptyRecord, [route('10.129.81.0/24', 'br-3fd2a9c1b0e4')])).toEqual(newestDefaults)
})

test('what was chosen stays, whatever the routes and the version', () => {
  const defaults = {
    image: 'docker.io/mbentley/omada-controller:6.2',
    subnet: '10.211.81.0/24',
    controllerAddress: '10.211.81.10',
  }
  expect(keptDefaults({ ...emptyRecord, container, defaults }, [route('10.211.81.0/24')])).toEqual(defaults)
})

test('a version before this one kept nothing, and what it had stays', () => {
  expect(keptDefaults({ ...emptyRecord, container }, [route('10.129.81.0/24')])).toEqual(firstDefaults)
  const controller = { omadacId: 'a', place: 'p', mark: 'm' }
  expect(keptDefaults({ ...emptyRecord, controller }, [])).toEqual(firstDefaults)
})

test('a record that is damaged is not judged by', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'omada-host-kept-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'release.json'), '{')
  expect(await readKeptDefaults(join(directory, 'release.json'))).toEqual(newestDefaults)
})
