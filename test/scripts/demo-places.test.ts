import { expect, test } from 'vitest'
import { choosePlaces } from '../../scripts/lib/demo/places.ts'
import { parseIpv4Network } from '../../src/core/cidr.ts'

const networks = (...cidrs: string[]) => cidrs.flatMap((cidr) => parseIpv4Network(cidr) ?? [])

test('takes the first networks that no route overlaps', () => {
  expect(choosePlaces([])).toEqual({
    lanAddress: '10.77.0.1/24',
    controllerSubnet: '10.129.82.0/24',
    controllerAddress: '10.129.82.10',
  })
  expect(choosePlaces(networks('10.0.0.0/8', '192.168.177.0/28'))).toEqual({
    lanAddress: '172.29.77.1/24',
    controllerSubnet: '192.168.182.0/24',
    controllerAddress: '192.168.182.10',
  })
})

test('says so when this machine has routes everywhere', () => {
  expect(() => choosePlaces(networks('0.0.0.0/1', '128.0.0.0/1'))).toThrow(/routes to all of 10\.77\.0\.0/)
})
