import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { databasePrograms } from '../standin/mongo/process.ts'
import { Child } from '../support/child.ts'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { ferretdb, ferretdbPosesAs, noFerretdb } from './support/ferretdb.ts'
import { reportFailures } from './support/report-failures.ts'
import { TestHost } from './support/test-host.ts'

const program = await ferretdb()
test.beforeEach((context) => {
  if (program === undefined) context.skip(noFerretdb)
})

describe('with a database that keeps data', () => {
  let host: TestHost
  beforeAll(async () => {
    host = await TestHost.open({ config: { health: { intervalSeconds: 2 } } })
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
  })
  afterAll(() => host?.close())
  test.beforeEach(() => reportFailures(host))

  const starts = async () => (await host.operator.health()).database.starts
  const codes = async () => (await host.appliance.hostState()).warnings.map(({ code }) => code)

  /** The process of the database in the container, from outside. */
  const databaseProcess = async () => {
    const pid = await host.podman.inspect('omada-controller', '{{.State.Pid}}')
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    const found = children.find((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'ferretdb')
    if (found === undefined) throw new Error(`no database among ${children.join()}`)
    return Number(found)
  }

  test('the probe tells its version', async () => {
    const { conditions } = await host.appliance.hostState()
    expect(conditions.find(({ name }) => name === 'database')?.detail).toContain(ferretdbPosesAs)
    expect(await starts()).toBe(1)
  })

  test('what it keeps outlives an orderly stop', async () => {
    await host.appliance.stop()
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
    expect(await starts()).toBe(2)
    expect((await host.operator.health()).data.uncleanStops).toBe(0)
  })

  test('and a controller that is killed with everything in it', async () => {
    await host.podman.run(['kill', '--signal', 'KILL', 'omada-controller'])
    await eventually(starts, (count) => count === 3, 60_000)
    await host.appliance.phase('ready', 90_000)
    expect((await host.operator.health()).data.uncleanStops).toBe(1)
  })

  test('its death is told with its exit code, and over when it is started again', async () => {
    process.kill(await databaseProcess(), 'SIGKILL')
    await eventually(
      async () => (await host.appliance.hostState()).reason.message,
      (message) => message.includes('ended with exit code 137'),
    )
    await eventually(codes, (now) => !now.some((code) => code.startsWith('DATABASE_')), 60_000)
    await host.appliance.phase('ready', 60_000)
    expect(await starts()).toBe(3)
  })

  test('one that stands still is not taken for one that works', async () => {
    await host.operator.fault({ database: 'slow', databaseDelaySeconds: 3600 })
    const { reason } = await host.appliance.phase('degraded', 60_000)
    expect(reason).toMatchObject({ code: 'DATABASE_DOWN', message: expect.not.stringContaining('exit code') })
    await host.operator.fault({ database: 'up' })
    await host.appliance.phase('ready', 60_000)
  })
})

describe('with a database on another machine', () => {
  const address = '10.77.10.30'
  const login = { user: 'omada', password: 'p$ss~w;rd' }
  const encoded = `${login.user}:${encodeURIComponent(login.password)}`
  let host: TestHost
  let databases: Child[] = []
  let certificate: string
  beforeAll(async () => {
    host = await TestHost.open({ lans: { lan10: '10.77.10.1/24' } })
    certificate = `${host.ledger.directory}/database`
    const self = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
    const names = ['-subj', '/CN=database', '-addext', `subjectAltName=IP:${address}`]
    await command(['openssl', 'req', ...self, ...names, '-keyout', `${certificate}.key`, '-out', `${certificate}.crt`])
  })
  afterAll(() => host?.close())
  test.beforeEach(() => reportFailures(host))
  afterEach(async () => {
    await host.appliance.end()
    for (const database of databases) await database.stop('SIGTERM', 10_000)
    databases = []
  })

  let neighbour: Awaited<ReturnType<TestHost['neighbour']>> | undefined
  /** A database with a login on the LAN, listening plainly or by TLS. */
  const serve = async (tls = false) => {
    neighbour ??= await host.neighbour('lan10', 30)
    const directory = `${host.ledger.directory}/external-${readdirSync(host.ledger.directory).length}`
    await command(['mkdir', directory])
    const plain = databasePrograms.ferretdb({ directory, host: address, port: 27_017 })
    const listen = tls
      ? [
          `--listen-tls=${address}:27017`,
          '--listen-addr=',
          `--listen-tls-cert-file=${certificate}.crt`,
          `--listen-tls-key-file=${certificate}.key`,
        ]
      : []
    const setup = [
      '--test-enable-new-auth',
      '--setup-database=omada',
      `--setup-username=${login.user}`,
      `--setup-password=${login.password}`,
    ]
    const argv = neighbour.enter([
      program ?? '',
      ...plain.filter((each) => !tls || !each.startsWith('--listen')),
      ...listen,
      ...setup,
    ])
    const database = await Child.start(host.ledger, { what: 'ferretdb', argv, graceMilliseconds: 2000 })
    databases.push(database)
    return database
  }
  const start = async (uri: string) => {
    host.appliance.configure(host.config({ mongo: { uri } }))
    await host.appliance.start()
  }
  const database = async () => {
    const { conditions } = await host.appliance.hostState()
    return conditions.find(({ name }) => name === 'database')
  }

  test('by user and password', async () => {
    await serve()
    await start(`mongodb://${encoded}@${address}:27017/omada?authSource=omada`)
    await host.appliance.phase('ready', 90_000)
    expect((await database())?.detail).toContain(ferretdbPosesAs)
  })

  test('a wrong password is told as that, and never itself', async () => {
    await serve()
    await start(`mongodb://${login.user}:wr0ng@${address}:27017/omada?authSource=omada`)
    const { reason } = await eventually(
      () => host.appliance.hostState(),
      (state) => state.reason.code !== undefined,
    )
    expect(reason).toMatchObject({
      code: 'DATABASE_LOGIN',
      message: `the database at ${address}:27017 (mongo.uri) refuses the login: Authentication failed.`,
    })
    expect(JSON.stringify(await host.appliance.hostState())).not.toContain('wr0ng')
    expect(host.appliance.report()).not.toContain('wr0ng')
  })

  test('one that goes away is told, and found when it is back', async () => {
    const first = await serve()
    await start(`mongodb://${encoded}@${address}:27017/omada?authSource=omada`)
    await host.appliance.phase('ready', 90_000)
    await first.stop('SIGKILL', 10_000)
    const { reason } = await eventually(
      () => host.appliance.hostState(),
      ({ phase }) => phase === 'degraded',
    )
    expect(reason).toMatchObject({ code: 'DATABASE_DOWN', remedy: expect.stringContaining('mongo.uri') })
    await serve()
    await host.appliance.phase('ready', 60_000)
  })

  test('by TLS, with a certificate that nobody signed: only where that is allowed', async () => {
    await serve(true)
    await start(`mongodb://${encoded}@${address}:27017/omada?authSource=omada&tls=true`)
    const { reason } = await eventually(
      () => host.appliance.hostState(),
      (state) => state.reason.code !== undefined,
    )
    expect(reason).toMatchObject({ code: 'DATABASE_TLS', message: expect.stringMatching(/: self-signed certificate$/) })
    await host.appliance.stop()
    await start(`mongodb://${encoded}@${address}:27017/omada?authSource=omada&tls=true&tlsInsecure=true`)
    await host.appliance.phase('ready', 90_000)
  })
})
