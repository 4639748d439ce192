import { expect, test } from 'vitest'
import { Admission, maxDatagramBytes } from '../../../src/edge/discovery/admission.ts'
import type { Datagram } from '../../../src/edge/discovery/port-listeners.ts'
import type { AccessPolicy } from '../../../src/network/access.ts'
import { encodePeerMessage } from '../../../src/network/peer-message.ts'
import { announceOf, configFor, configured, dependenciesFor, local, preAdoptOf, SetAddresses } from './support/edge.ts'
import { FakeClock } from './support/fake-clock.ts'

const everybody: AccessPolicy = { admits: () => true, servedAddresses: () => [] }

function admissionFor(options: { discovery?: object; access?: AccessPolicy } = {}) {
  const clock = new FakeClock()
  const addresses = new SetAddresses([local('192.0.2.1', 24)])
  const config = configFor({ discovery: options.discovery ?? {}, network: { subnet: '10.129.81.0/24' } })
  const admission = new Admission({
    config,
    clock,
    dependencies: { ...dependenciesFor({ addresses }), ...configured(config), access: options.access ?? everybody },
    isOwnPort: (port) => port === 29_810 || port === 40_000,
  })
  let sequence = 0
  /** Why it is dropped; undefined when it may pass. */
  const judge = (changes: Partial<Datagram> = {}) => {
    const verdict = admission.judge({
      payload: Buffer.from(`payload ${sequence++}`),
      address: '192.0.2.7',
      port: 5000,
      discoveryPort: 29_810,
      localAddress: '192.0.2.1',
      ...changes,
    })
    return verdict.kind === 'dropped' ? verdict.outcome : undefined
  }
  return { admission, judge, clock, addresses }
}

test('our own datagrams are dropped, those of another program on this machine pass', () => {
  const { judge, addresses } = admissionFor()
  expect(judge({ address: '192.0.2.1', port: 29_810 })).toBe('own-echo')
  expect(judge({ address: '192.0.2.1', port: 40_000 })).toBe('own-echo')
  expect(judge({ address: '192.0.2.1', port: 5000 })).toBeUndefined()
  expect(judge({ address: '192.0.2.7', port: 29_810 })).toBeUndefined()
  addresses.set([local('192.0.2.7', 24)])
  expect(judge({ address: '192.0.2.7', port: 29_810 })).toBe('own-echo')
})

test("the container's own subnet, and what nothing could answer, are dropped", () => {
  const { judge } = admissionFor()
  expect(judge({ address: '10.129.81.77' })).toBe('from-container')
  expect(judge({ address: '10.129.82.77' })).toBeUndefined()
  expect(judge({ port: 0 })).toBe('bad-source')
  expect(judge({ address: '0.0.0.0' })).toBe('bad-source')
})

test('the access policy is asked with both addresses', () => {
  const access: AccessPolicy = {
    admits: (peer) => peer.remoteAddress === '192.0.2.7' && peer.localAddress === undefined,
    servedAddresses: () => [],
  }
  const { judge } = admissionFor({ access })
  expect(judge({ localAddress: undefined })).toBeUndefined()
  expect(judge({ localAddress: '192.0.2.1' })).toBe('refused')
  expect(judge({ localAddress: undefined, address: '192.0.2.8' })).toBe('refused')
})

test('empty and oversize datagrams are dropped', () => {
  const { judge } = admissionFor()
  expect(judge({ payload: Buffer.alloc(0) })).toBe('empty')
  expect(judge({ payload: Buffer.alloc(1) })).toBeUndefined()
  expect(judge({ payload: Buffer.alloc(maxDatagramBytes) })).toBeUndefined()
  expect(judge({ payload: Buffer.alloc(maxDatagramBytes + 1) })).toBe('oversize')
  expect(judge({ payload: Buffer.alloc(65_507) })).toBe('oversize')
})

test('the second copy within the window is a duplicate, by whichever address of ours it came', () => {
  const { judge, clock } = admissionFor({ discovery: { duplicateWindowMilliseconds: 1000 } })
  const payload = announceOf()
  expect(judge({ payload })).toBeUndefined()
  expect(judge({ payload, localAddress: undefined })).toBe('duplicate')
  expect(judge({ payload, port: 5001 })).toBeUndefined()
  expect(judge({ payload, address: '192.0.2.8' })).toBeUndefined()
  expect(judge({ payload, discoveryPort: 27_001 })).toBeUndefined()
  clock.advance(999)
  expect(judge({ payload })).toBe('duplicate')
  clock.advance(1)
  expect(judge({ payload })).toBeUndefined()
})

test('a window of 0 switches the search for duplicates off', () => {
  const { judge } = admissionFor({ discovery: { duplicateWindowMilliseconds: 0 } })
  const payload = announceOf()
  expect([judge({ payload }), judge({ payload })]).toEqual([undefined, undefined])
})

test('an address may send its rate with a burst of twice that; others do not suffer', () => {
  const { judge, clock } = admissionFor({ discovery: { ratePerSource: 10 } })
  const passedOf = (count: number) =>
    Array.from({ length: count }, (_, port) => judge({ port: 6000 + port })).filter((dropped) => dropped === undefined)
      .length
  expect(passedOf(100)).toBe(20)
  expect(judge()).toBe('rate-limited')
  expect(judge({ address: '192.0.2.8' })).toBeUndefined()
  clock.advance(500)
  expect(passedOf(100)).toBe(5)
  clock.advance(3_600_000)
  expect(passedOf(100)).toBe(20)
})

test('what was rate-limited may be sent again and is no duplicate then', () => {
  const { judge, clock } = admissionFor({ discovery: { ratePerSource: 1 } })
  const payload = announceOf()
  expect([judge(), judge(), judge({ payload })]).toEqual([undefined, undefined, 'rate-limited'])
  clock.advance(1000)
  expect(judge({ payload })).toBeUndefined()
})

test('strict mode wants frames on 29810 only', () => {
  const { judge } = admissionFor({ discovery: { strict: true } })
  expect(judge({ payload: announceOf() })).toBeUndefined()
  expect(judge({ payload: Buffer.from('older firmware') })).toBe('malformed')
  expect(judge({ payload: Buffer.from('older firmware'), discoveryPort: 27_001 })).toBeUndefined()
  expect(admissionFor().judge({ payload: Buffer.from('older firmware') })).toBeUndefined()
})

test('what passes is told apart by its frame: a device, another omada-host, anything else', () => {
  const { admission } = admissionFor()
  const kindOf = (payload: Buffer) =>
    admission.judge({ payload, address: '192.0.2.7', port: 5000, discoveryPort: 29_810, localAddress: undefined })
  expect(kindOf(announceOf())).toMatchObject({ kind: 'announce', announce: { mac: 'AA-BB-CC-00-00-01' } })
  expect(kindOf(encodePeerMessage({ kind: 'probe' }))).toEqual({ kind: 'appliance', message: { kind: 'probe' } })
  expect(kindOf(preAdoptOf())).toEqual({ kind: 'other' })
  expect(kindOf(Buffer.from('older firmware'))).toEqual({ kind: 'other' })
})
