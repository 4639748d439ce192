import { expect, test } from 'vitest'
import { runChecks } from '../../../src/diagnosis/finding.ts'
import { type LanFacts, lanChecks } from '../../../src/diagnosis/netcheck/lan.ts'
import type { Device, EdgeState, ListenerState, ProxyPortState } from '../../../src/ipc/edge-state.ts'
import { stateVersion } from '../../../src/ipc/host-state.ts'
import { lan } from './support.ts'

const own = new Set(['127.0.0.1', lan.address, '10.0.0.1'])
const ours = { address: lan.address, port: 29_810, instance: 'a' }

function edge(more: { discovery?: object; management?: object; devices?: readonly Partial<Device>[] } = {}): EdgeState {
  const listener: ListenerState = { protocol: 'udp', address: '*', port: 29_810, state: 'listening' }
  const management: ProxyPortState = {
    ...{ port: 29_814, state: 'listening', open: 0, total: 0, bytesIn: 0, bytesOut: 0, refused: {}, waitingRoom: 0 },
    ...more.management,
  }
  return {
    stateVersion,
    startedAt: '2026-01-02T03:04:05Z',
    discovery: {
      sessions: 0,
      devices: 0,
      outcomes: {},
      listeners: [listener],
      broadcasts: [],
      peers: [],
      ...more.discovery,
    },
    proxy: { ports: [management] },
    status: { protocol: 'tcp', address: '*', port: 8090, state: 'listening' },
    devices: (more.devices ?? []).map((device) => ({ ...lobby, ...device })),
    warnings: [],
  }
}

const lobby: Device = {
  ...{ mac: 'AA-BB-CC-00-00-01', class: 'ap', model: 'EAP670', name: 'Lobby', firmware: '1.0' },
  ...{ address: '192.168.1.7', announcedAddress: '192.168.1.7', ownership: 'factory', adoption: 'announcing' },
  ...{ firstSeen: '2026-01-02T03:04:05Z', lastSeen: '2026-01-02T03:04:05Z', announces: 1 },
}

const findings = (facts: LanFacts) => runChecks(lanChecks(facts), new AbortController().signal)

/** The finding of one check. */
async function finding(check: string, facts: Partial<LanFacts>) {
  const defaults: LanFacts = {
    network: lan,
    edge: edge(),
    asked: { answers: [ours] },
    own,
    waitedSeconds: 30,
    audible: true,
  }
  return (await findings({ ...defaults, ...facts })).find((one) => one.check === check)
}

const like = (status: string, message: RegExp) => ({ status, message: expect.stringMatching(message) })

test('without the edge nothing is guessed', async () => {
  const statuses = await findings({
    network: lan,
    edge: undefined,
    asked: { answers: [] },
    own,
    waitedSeconds: 0,
    audible: true,
  })
  expect(statuses.filter(({ status }) => status !== 'unknown').map(({ check }) => check)).toEqual(['other omada-host'])
  for (const one of statuses.filter(({ status }) => status === 'unknown')) {
    expect(one).toMatchObject({ message: expect.stringMatching(/^could not measure/), remedy: expect.any(String) })
  }
})

test.each([
  [{}, 'unknown', /none came in 30 s; devices that are adopted send none/],
  [{ broadcasts: [{ interface: 'eth9', count: 4, lastAt: 'then' }] }, 'unknown', /none came in 30 s/],
  [{ broadcasts: [{ interface: 'lan0', count: 4, lastAt: 'then' }] }, 'ok', /^4 came in on lan0 .* the last at then$/],
  [
    {
      listeners: [
        {
          protocol: 'udp',
          address: '*',
          port: 29_810,
          state: 'failed',
          reason: { code: 'PORT_IN_USE', message: 'taken' },
        },
      ],
    },
    'fail',
    /^taken$/,
    'PORT_IN_USE',
  ],
])('broadcasts in: %j', async (discovery, status, message, code?: string) => {
  const found = await finding('broadcasts in', { edge: edge({ discovery }) })
  expect(found).toMatchObject(like(status, message))
  expect(found?.code).toBe(code)
})

test.each([
  [{ answers: [ours] }, 'ok', /answers from 192\.168\.1\.2:29810 on lan0/],
  [
    { answers: [{ ...ours, address: '10.0.0.1' }] },
    'fail',
    /leave from 10\.0\.0\.1:29810 instead of 192\.168\.1\.2:29810/,
  ],
  [{ answers: [{ ...ours, port: 1024 }] }, 'fail', /leave from 192\.168\.1\.2:1024 instead/],
  // Somebody else's answer says nothing of ours.
  [{ answers: [{ ...ours, address: '192.168.1.9' }] }, 'unknown', /did not answer the question of its own machine/],
  [{ failed: 'ENETUNREACH' }, 'unknown', /could not be sent: ENETUNREACH/],
])('answers out: %j', async (asked, status, message) => {
  expect(await finding('answers out', { asked })).toMatchObject(like(status, message))
})

test.each([
  [{}, 'unknown', /no other machine has connected/, 'from another machine of that network: nc -vz 192.168.1.2 29814'],
  [{ management: { arrivedBy: ['eth9'] } }, 'unknown', /no other machine/, expect.any(String)],
  [{ management: { arrivedBy: ['lan0'] } }, 'ok', /other machines have connected on lan0/, undefined],
  [{ devices: [{ adoption: 'connected' }] }, 'ok', /^connected devices on lan0: 1$/, undefined],
  [{ devices: [{ adoption: 'connected', address: '10.9.9.9' }] }, 'unknown', /could not measure/, expect.any(String)],
  [{ management: { state: 'failed', reason: { message: 'taken', remedy: 'free it' } } }, 'fail', /taken/, 'free it'],
  [{ management: { port: 29_813 } }, 'fail', /not among proxy\.ports/, 'add 29814 to proxy.ports'],
] as const)('port 29814: %j', async (more, status, message, remedy) => {
  const found = await finding('port 29814', { edge: edge(more) })
  expect(found).toMatchObject(like(status, message))
  expect(found?.remedy).toEqual(remedy)
})

const peer = (address: string) => ({ peers: [{ address, instance: 'b', lastSeen: 'now' }] })

test.each([
  [{}, 'ok', /nobody else answered on lan0/],
  [{ audible: false }, 'unknown', /packet filter may have dropped/],
  [{ asked: { failed: 'EACCES' } }, 'unknown', /EACCES/],
  [
    { asked: { answers: [ours, { ...ours, address: '192.168.1.9' }] } },
    'fail',
    /^another omada-host .* at 192\.168\.1\.9:/,
  ],
  [{ edge: edge({ discovery: peer('192.168.1.9') }), audible: false }, 'fail', /at 192\.168\.1\.9:/],
  // Of another network, whose own finding it is.
  [{ edge: edge({ discovery: peer('10.0.0.9') }) }, 'ok', /nobody else/],
] as const)('other omada-host: %j', async (facts, status, message) => {
  const found = await finding('other omada-host', facts)
  expect(found).toMatchObject(like(status, message))
  expect(found?.code).toBe(status === 'fail' ? 'OTHER_APPLIANCE' : undefined)
})

test.each([
  [[], 'unknown', /none has announced itself there/],
  [[{ ownership: 'unknown' }], 'unknown', /none has announced itself there/],
  [[{ ownership: 'factory' }, { ownership: 'ours' }], 'ok', /none of the 2 devices/],
  [
    [{ ownership: 'ours' }, { ownership: 'other' }],
    'warn',
    /1 of 2 devices .* AA-BB-CC-00-00-01 \(Lobby\) at 192\.168\.1\.7/,
  ],
  [[{ ownership: 'other', address: '10.0.0.9' }], 'unknown', /none has announced/],
] as const)('other controller: %j', async (devices, status, message) => {
  expect(await finding('other controller', { edge: edge({ devices }) })).toMatchObject(like(status, message))
})
