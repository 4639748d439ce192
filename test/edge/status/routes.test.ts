import { expect, test } from 'vitest'
import { type ApplianceStatus, mergeStatus } from '../../../src/edge/status/merge.ts'
import { hostState } from '../../ipc/fixtures.ts'
import { waitFor } from '../../support/wait-for.ts'
import { device } from './fixtures.ts'
import { rawConnection, serve } from './serve.ts'

test('the status is the documented JSON', async () => {
  await using served = await serve()
  const response = await fetch(`${served.url}/api/v1/status`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('application/json')
  const status = await response.json()
  expect(status).toEqual(JSON.parse(JSON.stringify(mergeStatus(served.host, served.edge))))
  expect(status).toMatchObject({
    phase: 'ready',
    reason: { message: expect.any(String) },
    since: expect.any(String),
    appliance: { version: '0.1.0', startedAt: expect.any(String) },
    controller: { image: expect.any(String), address: '10.129.81.10' },
    conditions: [],
    discovery: { sessions: 2, devices: 1, outcomes: { relayed: 10, duplicate: 3 } },
    proxy: {
      ports: [
        { port: 8043, state: 'listening', open: 0, total: 0, bytesIn: 0, bytesOut: 0, refused: {} },
        { port: 29814 },
      ],
    },
  })
})

test('the devices are an array with the documented keys', async () => {
  await using served = await serve()
  const hint = { message: 'its clock is 90 s behind', code: 'DISCOVERY_DOWN' as const, remedy: 'set its clock' }
  const one = device({ clockSkewSeconds: -90, hint })
  served.edge = { ...served.edge, devices: [one] }
  const devices = await (await fetch(`${served.url}/api/v1/devices`)).json()
  expect(devices).toEqual([one])
})

test('readyz follows the phase, healthz does not', async () => {
  await using served = await serve()
  const ready = async () => {
    const response = await fetch(`${served.url}/readyz`)
    return { status: response.status, body: await response.json() }
  }
  for (const phase of [
    'pulling',
    'creating',
    'starting',
    'ready',
    'degraded',
    'stopping',
    'stopped',
    'failed',
  ] as const) {
    const reason = { message: `it is ${phase}`, code: 'CONTROLLER_REFUSED' as const, remedy: 'look at 10.129.81.10' }
    served.host = hostState({ phase, reason })
    // Any site can ask for this by DNS rebinding.
    expect(await ready()).toEqual({
      status: phase === 'ready' ? 200 : 503,
      body: { phase, since: served.host.since, code: 'CONTROLLER_REFUSED' },
    })
    expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
  }
  served.host = undefined
  expect(await ready()).toMatchObject({ status: 503, body: { code: 'APPLIANCE_UNREACHABLE' } })
  expect((await fetch(`${served.url}/healthz`)).status).toBe(200)
})

test('when the host falls silent the page says so and keeps what it knew', async () => {
  await using served = await serve()
  await fetch(`${served.url}/api/v1/status`)
  served.host = undefined
  served.changed.emit()
  const ask = async () => (await (await fetch(`${served.url}/api/v1/status`)).json()) as ApplianceStatus
  const status = await ask()
  expect(status).toMatchObject({ phase: 'degraded', controller: { address: '10.129.81.10' } })
  expect((await ask()).since).toBe(status.since)
  const page = await (await fetch(served.url)).text()
  expect(page).toContain('host process does not answer')
  expect(page).toContain('systemctl status omada-host')
})

test('events carry the whole status at once and on every change', async () => {
  await using served = await serve()
  const got = rawConnection(served.port, 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await waitFor(() => expect(got.text).toContain('event: status\ndata: {"phase":"ready"'))
  expect(got.text).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  expect(got.text).toContain('x-content-type-options: nosniff')
  served.host = hostState({ phase: 'degraded' })
  served.changed.emit()
  await waitFor(() => expect(got.text).toContain('event: status\ndata: {"phase":"degraded"'))
  // A device is not part of the status, but whoever shows devices wants to hear of it.
  served.edge = { ...served.edge, devices: [device({ adoption: 'stalled' })] }
  served.changed.emit()
  await waitFor(() => expect(got.text.split('event: status')).toHaveLength(4))
  got.socket.destroy()
})

test('HEAD answers without a body', async () => {
  await using served = await serve()
  for (const url of ['/', '/api/v1/status', '/healthz']) {
    const response = await fetch(served.url + url, { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  }
})

test('every answer forbids framing, sniffing and foreign content', async () => {
  await using served = await serve()
  for (const url of ['/', '/api/v1/status', '/nothing']) {
    const { headers } = await fetch(served.url + url)
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
  }
})
