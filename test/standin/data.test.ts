import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { StandinController } from './controller/controller.ts'
import { compareVersions } from './controller/entrypoint.ts'
import { loopbackEnvironment, operator, startController, temporaryDirectory } from './support.ts'

type Health = { data: { state: string; uncleanStops: number; history: { event: string }[] } }

async function health(apiPort: number): Promise<Health['data']> {
  return ((await operator(apiPort, '/health')).body as Health).data
}

/** Starts over what is there and expects a refusal or a failure: the exit code and the log. */
async function failing(directory: string, more: Record<string, string>): Promise<{ code: number; log: string }> {
  const lines: string[] = []
  const environment = loopbackEnvironment(directory, more)
  const controller = new StandinController({ environment, write: (line) => lines.push(line) })
  await controller.start()
  return { code: await controller.ended, log: lines.join('\n') }
}

/** Runs once and stops in order. */
async function runOnce(directory: string, more: Record<string, string> = {}): Promise<void> {
  const { controller } = await startController(more, directory)
  await controller.stop()
  expect(await controller.ended).toBe(143)
}

describe('the data', () => {
  it('are dirty while it runs and clean after an orderly stop', async () => {
    const { controller, at, directory } = await startController()
    expect(await health(at('api'))).toMatchObject({ state: 'dirty', uncleanStops: 0 })
    expect(readFileSync(join(directory, 'LAST_RAN_OMADA_VER.txt'), 'utf8')).toBe('6.2.0.17\n')
    await controller.stop()
    const second = await startController({}, directory)
    const { uncleanStops, history } = await health(second.at('api'))
    expect(uncleanStops).toBe(0)
    expect(history.map(({ event }) => event)).toEqual(['first-start', 'clean-stop', 'clean-start'])
    expect(second.lines.join('\n')).not.toContain('unclean')
  })

  it('tell of an unclean stop at the next start', async () => {
    const { controller, directory } = await startController()
    await controller.crash(137)
    expect(await controller.ended).toBe(137)
    const second = await startController({}, directory)
    expect(second.lines.join('\n')).toContain('Detected unclean shutdown')
    const { uncleanStops, history } = await health(second.at('api'))
    expect(uncleanStops).toBe(1)
    expect(history.map(({ event }) => event)).toEqual(['first-start', 'unclean-start'])
  })

  it('have a mongod.lock that is empty after a clean end alone', async () => {
    const { controller, directory } = await startController()
    const lock = () => readFileSync(join(directory, 'db/mongod.lock'), 'utf8')
    expect(lock()).toMatch(/^\d+\n$/)
    await controller.crash(137)
    expect(lock()).not.toBe('')
    const second = await startController({}, directory)
    await second.controller.stop()
    expect(lock()).toBe('')
  })

  it('are closed while a java that lingers goes on', async () => {
    const { controller, directory } = await startController({ STANDIN_STOP: 'linger' })
    await controller.stop()
    expect(readFileSync(join(directory, 'db/mongod.lock'), 'utf8')).toBe('')
    expect(await Promise.race([controller.ended, 'runs'])).toBe('runs')
    await controller.crash(137)
  })

  it('are given to the user of the controller by the owner of their top directory alone', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('only root gives files away')
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'html'))
    await runOnce(directory, { PUID: '600', PGID: '601' })
    expect(statSync(join(directory, 'html'))).toMatchObject({ uid: 600, gid: 601 })
    writeFileSync(join(directory, 'html/restored'), '')
    await runOnce(directory, { PUID: '600', PGID: '601' })
    expect(statSync(join(directory, 'html/restored')).uid).toBe(0)
  })

  it('are clean after a stop in the middle of a slow start', async () => {
    const directory = temporaryDirectory()
    const lines: string[] = []
    const environment = loopbackEnvironment(directory, { STANDIN_START_SECONDS: '3' })
    const controller = new StandinController({ environment, write: (line) => lines.push(line) })
    const started = controller.start()
    await expect.poll(() => controller.ports.mongo, { timeout: 10_000 }).toBeDefined()
    await controller.stop()
    expect(await controller.ended).toBe(143)
    await started
    expect(lines.join('\n')).not.toContain('Omada Controller started')
    const second = await startController({}, directory)
    expect(await health(second.at('api'))).toMatchObject({ uncleanStops: 0 })
  })

  it('rule the management ports after the first start, unless overridden', async () => {
    const directory = temporaryDirectory()
    const first = await startController({}, directory)
    await first.controller.stop()
    const kept = JSON.parse(readFileSync(join(directory, 'db/standin.json'), 'utf8')) as object
    writeFileSync(join(directory, 'db/standin.json'), JSON.stringify({ ...kept, manageHttps: first.at('manageHttps') }))
    const second = await startController({ MANAGE_HTTPS_PORT: '1' }, directory)
    expect(second.at('manageHttps')).toBe(first.at('manageHttps'))
    await second.controller.stop()
    const third = await startController({ MANAGE_HTTPS_PORT: '0', WEB_CONFIG_OVERRIDE: 'true' }, directory)
    expect(third.at('manageHttps')).not.toBe(first.at('manageHttps'))
  })
})

describe('it refuses to start on', () => {
  it('a downgrade, in the words of the entrypoint', async () => {
    const directory = temporaryDirectory()
    await runOnce(directory, { STANDIN_VERSION: '6.2.0.17' })
    const { code, log } = await failing(directory, { STANDIN_VERSION: '6.1.0.19' })
    expect(code).toBe(1)
    expect(log).toContain(
      'ERROR: The version from the image (6.1.0.19) is older than the last version executed (6.2.0.17)!  Refusing to start to prevent data loss!',
    )
    await runOnce(directory, { STANDIN_VERSION: '6.10.0.1' })
  })

  it('data of version 5 under version 6', async () => {
    const directory = temporaryDirectory()
    await runOnce(directory, { STANDIN_VERSION: '5.15.24.19' })
    const { code, log } = await failing(directory, {})
    expect(code).toBe(1)
    expect(log).toContain('ERROR: Your persistent data for MongoDB is using WiredTiger 3.1.0 (an older MongoDB)')
    expect(readFileSync(join(directory, 'LAST_RAN_OMADA_VER.txt'), 'utf8')).toBe('5.15.24.19\n')
  })

  it('data of version 4 under 5.14 and later', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'LAST_RAN_OMADA_VER.txt'), '4.4.8\n')
    const { code, log } = await failing(directory, { STANDIN_VERSION: '5.14.32.3' })
    expect(code).toBe(1)
    expect(log).toContain('ERROR: You are attempting to upgrade from 4.x to 5.14.x or greater;')
  })

  it('files of a version before 4.1', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'db'))
    writeFileSync(join(directory, 'db/tpeap.ns'), '')
    expect(await failing(directory, {})).toMatchObject({
      code: 1,
      log: expect.stringContaining('data from a previous version!'),
    })
  })

  it.each([
    ['downgrade', 'Refusing to start to prevent data loss!'],
    ['avx', 'ERROR: your system does not support AVX which is a requirement for the v6 and above container image'],
    ['armv8.2-a', 'ERROR: your system does not support the armv8.2-a or later microarchitecture'],
    ['wiredtiger', 'is using WiredTiger 3.1.0 (an older MongoDB)'],
    ['old-data', 'appears to have data from a previous version!'],
    ['upgrade-4', 'the upgrade code was removed in 5.14.x!'],
  ])('demand: %s', async (refusal, words) => {
    const { code, log } = await failing(temporaryDirectory(), { STANDIN_REFUSE: refusal })
    expect(code).toBe(1)
    expect(log).toContain(words)
  })

  it('another address than the one on record, from 6.2 on', async () => {
    const directory = temporaryDirectory()
    await runOnce(directory)
    const { code, log } = await failing(directory, { STANDIN_ADDRESS: '10.129.81.11' })
    expect(code).toBe(1)
    expect(log).toContain('The mongo.node.ip=10.129.81.10, but the current ip does not match it.')
    const forced = await failing(temporaryDirectory(), {
      STANDIN_MONGO_NODE_IP: '192.0.2.1',
      STANDIN_VERSION: '6.1.0.19',
    })
    expect(forced).toMatchObject({ code: 1, log: expect.stringContaining('The mongo.node.ip=192.0.2.1,') })
  })
})

it('says what is wrong with a variable', () => {
  const make = (more: Record<string, string>) => () =>
    new StandinController({ environment: more, write: () => undefined })
  expect(make({ STANDIN_DATABASE: 'gone' })).toThrow('STANDIN_DATABASE=gone is none of up, dead, slow')
  expect(make({ PORT_DISCOVERY: '70000' })).toThrow('PORT_DISCOVERY=70000 is not a number from 0 to 65535')
  expect(make({ STANDIN_VERSION: 'latest' })).toThrow('STANDIN_VERSION=latest')
})

it('logs the options that the entrypoint logs', async () => {
  const { lines } = await startController({
    JAVA_MAX_HEAP_SIZE: '768m',
    MONGOD_EXTRA_ARGS: '--wiredTigerCacheSizeGB 0.25',
  })
  const log = lines.join('\n')
  expect(log).toContain("INFO: replacing '-Xmx1024m' with '-Xmx768m' (JAVA_MAX_HEAP_SIZE)")
  expect(log).toContain("INFO: MONGOD_EXTRA_ARGS='--wiredTigerCacheSizeGB 0.25'; creating mongod wrapper")
})

it('has the ports and the database of its version', async () => {
  const five = await startController({ STANDIN_VERSION: '5.15.24.19', PORTAL_HTTP_PORT: '0' })
  expect(five.controller.ports).not.toHaveProperty('olt')
  expect(five.controller.ports).not.toHaveProperty('deviceMonitor')
  expect(five.controller.ports).not.toHaveProperty('portalHttp')
  expect(five.controller.ports).not.toHaveProperty('upgradeEsHttps')
  expect(readFileSync(join(five.directory, 'db/WiredTiger.turtle'), 'utf8')).toContain('WiredTiger 3.1.0')
  const six = await startController({ STANDIN_VERSION: '6.3.0.42' })
  expect(six.controller.ports).toHaveProperty('olt')
  expect(six.controller.ports).toHaveProperty('upgradeEsHttps')
  expect(readFileSync(join(six.directory, 'db/WiredTiger.turtle'), 'utf8')).toContain('WiredTiger 11.3.0')
})

it('orders versions by number', () => {
  expect(compareVersions('6.2.0.17', '6.10.0.1')).toBeLessThan(0)
  expect(compareVersions('6.2.0.17', '6.2.0.17')).toBe(0)
  expect(compareVersions('6.2.1', '6.2')).toBeGreaterThan(0)
})
