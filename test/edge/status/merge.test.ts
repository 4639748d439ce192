import { expect, test } from 'vitest'
import { mergeStatus } from '../../../src/edge/status/merge.ts'
import { hostState } from '../../ipc/fixtures.ts'
import { condition, edgeState, proxyPort } from './fixtures.ts'

const inUse = { code: 'PORT_IN_USE', message: 'TCP port 8043 is held by another process', remedy: 'stop it' } as const

test('the two halves become one status with the documented keys', () => {
  const host = hostState({ conditions: [condition('database')] })
  const edge = edgeState()
  const status = mergeStatus(host, edge)
  expect(status).toEqual({
    phase: 'ready',
    reason: host.reason,
    since: host.since,
    appliance: host.appliance,
    controller: host.controller,
    conditions: host.conditions,
    discovery: edge.discovery,
    proxy: edge.proxy,
    status: edge.status,
    warnings: [],
    history: [],
  })
})

test('warnings of both halves are told once each', () => {
  const warning = (message: string) =>
    ({ code: 'OPEN_FILES_LOW', message, remedy: 'more', severity: 'warning' }) as const
  const host = hostState({ warnings: [warning('latest is v5'), warning('both')] })
  const edge = edgeState({ warnings: [warning('few files'), warning('both')] })
  expect(mergeStatus(host, edge).warnings.map((warning) => warning.message)).toEqual([
    'latest is v5',
    'both',
    'few files',
  ])
})

test('the worst come first, whichever half they are of', () => {
  const warning = { code: 'OPEN_FILES_LOW', message: 'few files', remedy: 'more', severity: 'warning' } as const
  const error = { code: 'NEIGHBOURS_FULL', message: 'too many', remedy: 'allow more', severity: 'error' } as const
  const notice = { code: 'IMAGE_TAG_LATEST', message: 'latest', remedy: 'pin it', severity: 'notice' } as const
  const merged = mergeStatus(hostState({ warnings: [warning, notice] }), edgeState({ warnings: [error] }))
  expect(merged.warnings).toEqual([error, warning, notice])
})

test('the history is of both halves, each in its own order even after its clock went back', () => {
  const entry = (at: string, message: string) => ({ at, subject: 'x', to: 'done', message })
  const host = hostState({ history: [entry('1', 'a'), entry('5', 'b'), entry('3', 'c')] })
  const edge = edgeState({ history: [entry('2', 'd'), entry('4', 'e'), entry('6', 'f')] })
  expect(
    mergeStatus(host, edge)
      .history.map(({ message }) => message)
      .join(''),
  ).toBe('adebcf')
  expect(mergeStatus(undefined, edge).history).toEqual(edge.history)
  expect(mergeStatus(host, undefined).history).toEqual(host.history)
})

test('a port that failed is a warning and names the process that the host sees on it', () => {
  const edge = edgeState({ proxy: { ports: [proxyPort(8043, { state: 'failed', reason: inUse }), proxyPort(29814)] } })
  const holders = [
    { protocol: 'tcp', port: 8043, pid: 812, process: 'nginx' },
    { protocol: 'tcp', port: 29814, pid: 99, process: 'other' },
    { protocol: 'udp', port: 8043, pid: 100, process: 'udp-one' },
  ] as const
  const status = mergeStatus(hostState({ portHolders: holders }), edge)
  const message = 'TCP port 8043 is held by another process: nginx (pid 812)'
  expect(status.proxy.ports[0]?.reason).toEqual({ ...inUse, message })
  expect(status.proxy.ports[0]).not.toHaveProperty('protocol')
  expect(status.proxy.ports[1]).toEqual(proxyPort(29814))
  expect(status.warnings).toEqual([{ ...inUse, message, severity: 'error' }])
})

test('the edge itself is not named as the holder', () => {
  const listener = { protocol: 'udp', address: '*', port: 29810, state: 'failed', reason: inUse } as const
  const edge = edgeState({ discovery: { sessions: 0, devices: 0, outcomes: {}, listeners: [listener] } })
  const portHolders = [{ protocol: 'udp', port: 29810, pid: 7, process: 'node' }] as const
  const reason = (ownPid?: number) =>
    mergeStatus(hostState({ portHolders }), edge, ownPid === undefined ? {} : { ownPid }).discovery.listeners[0]?.reason
  expect(reason(7)).toEqual(inUse)
  expect(reason(8)?.message).toContain('node (pid 7)')
})

test('a host that fell silent leaves its last phase, but nobody vouches for ready', () => {
  const host = hostState({ conditions: [condition('database', { detail: '3 ms', status: 'ok' })] })
  const lost = (phase: typeof host.phase) =>
    mergeStatus(undefined, edgeState(), { lost: { host: { ...host, phase }, at: '2026-03-01T11:00:00.000Z' } })
  expect(lost('ready')).toMatchObject({
    phase: 'degraded',
    since: '2026-03-01T11:00:00.000Z',
    reason: {
      code: 'APPLIANCE_UNREACHABLE',
      message: expect.stringContaining('does not answer; forwarding goes on. The controller was ready'),
      remedy: expect.stringContaining('systemctl start omada-host'),
    },
    appliance: host.appliance,
    controller: host.controller,
    conditions: [{ name: 'database', status: 'unknown' }],
  })
  expect(lost('ready').conditions[0]).not.toHaveProperty('detail')
  expect(lost('pulling').phase).toBe('pulling')
  expect(lost('failed').phase).toBe('failed')
})

test('a host that was never heard of is not claimed to be anything', () => {
  expect(mergeStatus(undefined, edgeState())).toMatchObject({
    phase: 'starting',
    reason: { code: 'APPLIANCE_UNREACHABLE' },
    since: '2026-03-01T09:00:01.000Z',
    appliance: {},
    controller: {},
    conditions: [],
  })
})

test('an edge that does not answer is a warning; what the host knows is still told', () => {
  const status = mergeStatus(hostState(), undefined)
  expect(status).toMatchObject({ phase: 'ready', discovery: { sessions: 0, devices: 0 }, proxy: { ports: [] } })
  expect(status).not.toHaveProperty('status')
  expect(status.warnings).toEqual([
    expect.objectContaining({ code: 'APPLIANCE_UNREACHABLE', remedy: expect.stringContaining('omada-host-edge') }),
  ])
})
