import { expect, test } from 'vitest'
import { parseIpv4Network } from '../../src/core/cidr.ts'
import { freeNetwork } from '../../src/network/free-network.ts'

const free = (...taken: string[]) => freeNetwork(taken.flatMap((text) => parseIpv4Network(text) ?? []))

test.each([
  [[], '10.211.81.0/24', '10.211.81.10'],
  [['10.211.0.0/16'], '10.187.81.0/24', '10.187.81.10'],
  [['10.211.81.7/32'], '10.187.81.0/24', '10.187.81.10'],
  [['10.0.0.0/8'], '172.30.81.0/24', '172.30.81.10'],
  [['10.0.0.0/8', '172.16.0.0/12'], '192.168.240.0/24', '192.168.240.10'],
  [['10.0.0.0/9', '10.192.0.0/10', '172.16.0.0/12', '192.168.0.0/16'], '10.187.81.0/24', '10.187.81.10'],
])('beside %j %s is free', (taken, subnet, controllerAddress) => {
  expect(free(...taken)).toEqual({ subnet, controllerAddress })
})

test('where every private range is taken there is none', () => {
  expect(free('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16')).toBeUndefined()
})
