import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../support/command.ts'
import { eventually } from '../support/eventually.ts'
import { adopt } from './support/adopt.ts'
import { reportFailures } from './support/report-failures.ts'
import { controllerAddress, TestHost } from './support/test-host.ts'

const lanAddress = '10.77.10.1'
const client = { id: 'appliance', secret: 's3cret-of-the-client' }

describe('the address that devices are told', () => {
  let host: TestHost
  beforeAll(async () => {
    host = await TestHost.open({
      lans: { lan10: `${lanAddress}/24` },
      standin: {
        STANDIN_TELL_SECONDS: '1',
        STANDIN_OPENAPI_CLIENT_ID: client.id,
        STANDIN_OPENAPI_CLIENT_SECRET: client.secret,
      },
    })
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
  })
  afterAll(() => host?.close())
  test.beforeEach(() => reportFailures(host))

  const warnings = async (code: string) =>
    (await host.appliance.hostState()).warnings.filter((warning) => warning.code === code)
  const device = (last: number, name: string) =>
    host.device('lan10', last, {
      class: 'ap',
      mac: `AA-BB-CC-70-00-${last}`,
      name,
      options: ['--move-seconds', '1', '--silent-seconds', '2'],
    })

  test("inferred by the controller it is the container's: a device goes there and is lost, and its steps are seen", async () => {
    await eventually(
      () => warnings('DEVICE_ADDRESS'),
      ({ length }) => length === 1,
    )
    expect(await warnings('DEVICES_ASTRAY')).toEqual([])
    const lost = await device(11, 'Lobby')
    await adopt(host.operator, lost)
    await lost.event('told', 30_000, ({ address }) => address === controllerAddress)
    await lost.event('disconnected', 30_000)
    const [sign] = await eventually(
      () => warnings('DEVICES_ASTRAY'),
      (found) => found.length > 0,
    )
    expect(sign?.message).toContain("10.77.10.11 asked for the controller at the container's own address (TCP 29814)")
  })

  test("by the Open API it is set to this machine's, seen, and devices stay connected", async () => {
    const clientSecretFile = join(host.ledger.directory, 'open-api-secret')
    writeFileSync(clientSecretFile, `${client.secret}\n`, { mode: 0o600 })
    host.appliance.configure(host.config({ controller: { openApi: { clientId: client.id, clientSecretFile } } }))
    await command(host.appliance.argv(['reload', '--runtime-dir', join(host.ledger.directory, 'run')]))
    await eventually(
      () => warnings('DEVICE_ADDRESS'),
      (found) => found.length === 0,
    )
    expect(await host.operator.health()).toMatchObject({ deviceHost: lanAddress, portalHost: lanAddress })
    const kept = await device(12, 'Hall')
    await adopt(host.operator, kept)
    await kept.event('told', 30_000, ({ address }) => address === lanAddress)
    const informs = kept.count('informed')
    await eventually(
      async () => kept.count('informed'),
      (count) => count > informs + 3,
    )
    expect(kept.events('disconnected')).toEqual([])
    expect(host.appliance.report()).not.toContain(client.secret)
  })

  test('a secret that the controller does not take is told as that, and never itself', async () => {
    const clientSecretFile = join(host.ledger.directory, 'wrong-secret')
    writeFileSync(clientSecretFile, 'wr0ng-secret\n', { mode: 0o600 })
    host.appliance.configure(host.config({ controller: { openApi: { clientId: client.id, clientSecretFile } } }))
    await host.appliance.stop()
    await host.appliance.start()
    const [fault] = await eventually(
      () => warnings('OPEN_API_LOGIN'),
      (found) => found.length > 0,
      90_000,
    )
    expect(fault?.message).toContain('refuses the client appliance')
    expect(JSON.stringify(await host.appliance.hostState())).not.toContain('wr0ng')
    expect(host.appliance.report()).not.toContain('wr0ng')
  })
})
