import { expect, test } from 'vitest'
import { controllerLink } from '../../src/network/controller-link.ts'

test('there is an address to send to only while it is on a network of this machine, and it is the one of now', () => {
  let bridge = ''
  let address = '10.129.81.10'
  const link = controllerLink({
    address: () => address,
    routing: { isOnLink: (remote) => bridge !== '' && remote.startsWith(bridge) },
  })
  expect(link()).toBeUndefined()
  bridge = '10.129.81.'
  expect(link()).toBe('10.129.81.10')
  address = '10.129.82.10'
  expect(link()).toBeUndefined()
  bridge = '10.129.82.'
  expect(link()).toBe('10.129.82.10')
})
