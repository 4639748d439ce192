import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type OpenApiOptions, openApiSettings } from '../../../src/host/device-address/open-api-client.ts'
import { FakeOpenApi } from '../../support/open-api.ts'

const signal = AbortSignal.timeout(20_000)

function secretFile(text: string, mode = 0o600): string {
  const directory = mkdtempSync(join(tmpdir(), 'open-api-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'secret')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const client = (fake: FakeOpenApi, more: Partial<OpenApiOptions> = {}) =>
  openApiSettings({
    address: '127.0.0.1',
    port: fake.port,
    omadacId: fake.omadacId,
    clientId: fake.clientId,
    clientSecretFile: secretFile(`${fake.clientSecret}\n`),
    ...more,
  })

test('what is inferred reads as not set; what is set is there, beside what nobody asked to change', async () => {
  await using fake = await FakeOpenApi.start()
  const settings = client(fake)
  expect(await settings.read(signal)).toEqual({ device: undefined, portal: undefined })
  await settings.write({ device: '192.168.1.5', portal: undefined }, signal)
  expect(await settings.read(signal)).toEqual({ device: '192.168.1.5', portal: undefined })
  await settings.write({ device: undefined, portal: '192.168.1.6' }, signal)
  expect(fake.settings).toEqual({
    deviceManage: { deviceHostEnable: true, deviceHost: '192.168.1.5' },
    webPort: { hostName: '192.168.1.6', autoPortalIpEnable: false, httpsPort: 8043 },
  })
})

test('a wrong secret is told with the words of the controller and without the secret', async () => {
  await using fake = await FakeOpenApi.start()
  const error = await client(fake, { clientSecretFile: secretFile('An0ther') })
    .read(signal)
    .catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'OPEN_API_LOGIN', message: expect.stringContaining('-44106 The client id') })
  expect(JSON.stringify(error) + String(error)).not.toContain('An0ther')
})

test.each([
  ['that others may read', 'secret', 0o640, 'others than its owner'],
  ['that is empty', '\n', 0o600, 'it is empty'],
  ['that is large', 'x'.repeat(5000), 0o600, 'more than 4 KiB'],
])('a secret file %s is refused before anything is sent', async (_, text, mode, why) => {
  await using fake = await FakeOpenApi.start()
  const settings = client(fake, { clientSecretFile: secretFile(text, mode) })
  await expect(settings.read(signal)).rejects.toMatchObject({
    code: 'OPEN_API_LOGIN',
    message: expect.stringContaining(why),
  })
})

test('a directory in its place is refused', async () => {
  await using fake = await FakeOpenApi.start()
  await expect(client(fake, { clientSecretFile: tmpdir() }).read(signal)).rejects.toMatchObject({
    code: 'OPEN_API_LOGIN',
    message: expect.stringContaining('regular file'),
  })
})

test('a change that the controller refuses is told', async () => {
  await using fake = await FakeOpenApi.start()
  fake.refusal = { errorCode: -1005, msg: 'No permission\u001b[31m' }
  await expect(client(fake).write({ device: '192.168.1.5', portal: undefined }, signal)).rejects.toMatchObject({
    code: 'OPEN_API_FAILED',
    message: expect.stringMatching(/error code -1005 No permission$/),
  })
})

test.each([
  ['a page', '<html></html>'],
  ['a token that is no word', '{"errorCode":0,"result":{"accessToken":"a\\r\\nb"}}'],
  ['more than anybody asked for', 'x'.repeat(70_000)],
])('%s is no answer', async (_, raw) => {
  await using fake = await FakeOpenApi.start()
  fake.raw = raw
  await expect(client(fake).read(signal)).rejects.toMatchObject({ code: 'OPEN_API_FAILED' })
})

test('nothing is sent without the bridge, and nobody who answers is told', async () => {
  await using fake = await FakeOpenApi.start()
  await expect(client(fake, { address: undefined }).read(signal)).rejects.toMatchObject({
    message: expect.stringContaining('bridge'),
  })
  const settings = client(fake)
  await fake[Symbol.asyncDispose]()
  await expect(settings.read(signal)).rejects.toMatchObject({
    code: 'OPEN_API_FAILED',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})
