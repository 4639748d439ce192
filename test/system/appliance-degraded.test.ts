import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../support/device.ts'
import { eventually } from '../support/eventually.ts'
import { TestHost } from './support/test-host.ts'

const intervalSeconds = 2

describe('a database that dies while the login page still answers', () => {
  let host: TestHost
  let device: Device
  const mac = 'AA-BB-CC-30-00-01'
  const readyz = () => host.outpost.call('http', { url: 'http://127.0.0.1:8090/readyz' })
  const login = () => host.outpost.call('http', { url: 'https://127.0.0.1:8043/login' })

  beforeAll(async () => {
    host = await TestHost.open({ lans: { lan10: '10.77.10.1/24' }, config: { health: { intervalSeconds } } })
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
    device = await host.device('lan10', 11, { class: 'ap', mac, name: 'Lobby' })
    await eventually(
      () => host.operator.device(mac),
      (known) => known?.state === 'pending',
    )
    await host.operator.adopt(mac)
    await device.event('connected', 30_000)
  })
  afterAll(() => host?.close())
  test.beforeEach(() => host.reportFailures())

  test('is ready before', async () => {
    expect((await readyz()).status).toBe(200)
    expect((await login()).status).toBe(200)
  })

  test('is degraded within three rounds, for that reason, without a connection lost', async () => {
    await host.operator.fault({ database: 'dead' })
    const started = performance.now()
    const state = await host.appliance.phase('degraded', 30_000)
    const rounds = (performance.now() - started) / 1000 / intervalSeconds
    console.log(`degraded after ${rounds.toFixed(2)} rounds`)
    // Three rounds, and the one that was under way.
    expect(rounds).toBeLessThan(4.5)
    expect(state.reason.code).toBe('DATABASE_DOWN')
    expect(state.reason.remedy).toBeTruthy()

    // The stand-in's own page still says that all is well; the appliance does not.
    const own = await host.outpost.call('http', { url: 'https://10.129.81.10:8043/login' })
    expect(own.status).toBe(200)
    const answer = await eventually(readyz, ({ status }) => status === 503)
    expect(answer.body).toContain(state.reason.message)
    await eventually(login, ({ status }) => status === 503)

    const informs = device.count('informed')
    await eventually(
      async () => device.count('informed'),
      (count) => count > informs + 2,
    )
    expect(device.events('disconnected')).toEqual([])
    expect(await host.operator.device(mac)).toMatchObject({ state: 'connected', connections: 1 })
  })

  test('is ready again by itself when the database returns', async () => {
    await host.operator.fault({ database: 'up' })
    await host.appliance.phase('ready', 60_000)
    await eventually(readyz, ({ status }) => status === 200)
    await eventually(login, ({ status }) => status === 200)
    expect(device.events('disconnected')).toEqual([])
    expect((await host.operator.health()).data.uncleanStops).toBe(0)
  })
})
