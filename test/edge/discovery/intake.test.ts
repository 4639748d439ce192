import { expect, test } from 'vitest'
import { BroadcastTally } from '../../../src/edge/discovery/intake.ts'
import type { Datagram } from '../../../src/edge/discovery/port-listeners.ts'
import { dependenciesFor } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'

const datagram: Datagram = {
  payload: Buffer.from('x'),
  address: '10.0.0.9',
  port: 5000,
  discoveryPort: 29_810,
  localAddress: undefined,
}

test('broadcasts of others are counted by interface; our own and unicasts are not', () => {
  const clock = new FakeClock()
  const towards = (remote: string) =>
    remote.startsWith('10.')
      ? { interface: 'lan0', address: '10.0.0.1', family: 'ipv4' as const, prefix: 24, internal: false }
      : undefined
  const tally = new BroadcastTally({ clock, routing: dependenciesFor({ towards }).routing })
  tally.note({ ...datagram, localAddress: '127.0.0.1' })
  tally.note({ ...datagram, address: '127.0.1.1' })
  tally.note({ ...datagram, address: '198.51.100.1' })
  expect(tally.list()).toEqual([])
  tally.note(datagram)
  clock.advance(5000)
  tally.note(datagram)
  expect(tally.list()).toEqual([{ interface: 'lan0', count: 2, lastAt: new Date(clock.wall()).toISOString() }])
})
