import { afterEach, expect, it } from 'vitest'
import { probeInfo } from '../../../src/host/health/info-probe.ts'
import { FakeWeb } from '../../support/health-web.ts'

const current = '/api/v2/anon/info'
const legacy = '/api/info'
const info = { errorCode: 0, result: { controllerVer: '6.2.0.17', omadacId: 'abc123' } }

let web: FakeWeb
afterEach(() => web.close())

const ask = (signal = AbortSignal.timeout(5000)) => probeInfo('127.0.0.1', web.port, signal)

it('takes error code 0 of the new path, over an expired self-signed certificate', async () => {
  web = await FakeWeb.start()
  web.json(current, info)
  expect(await ask()).toEqual({
    ok: true,
    detail: '6.2.0.17',
    controller: { errorCode: 0, version: '6.2.0.17', omadacId: 'abc123' },
  })
  expect(web.requests).toEqual([current])
})

it('talks to a controller that knows TLS 1.0 only', async () => {
  web = await FakeWeb.start({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })
  web.json(current, info)
  expect(await ask()).toMatchObject({ ok: true })
})

it.each([
  ['404', { status: 404, body: '{"errorCode":0}x' }],
  ['the page of the web interface', { body: '<html></html>' }],
  ['a redirect, which is not followed', { status: 302, headers: { location: '/login' } }],
  ['an unsupported path', { body: '{"errorCode":-1600}' }],
])('asks the old path when the new one says %s', async (_, answer) => {
  web = await FakeWeb.start()
  web.answers.set(current, answer)
  web.json(legacy, info)
  expect(await ask()).toMatchObject({ ok: true, detail: '6.2.0.17' })
  expect(web.requests).toEqual([current, legacy])
})

it('takes version and id from the old path when the new one does not tell them', async () => {
  web = await FakeWeb.start()
  web.json(current, { errorCode: 0 })
  web.json(legacy, { ...info, errorCode: -1 })
  expect(await ask()).toMatchObject({ ok: true, controller: { errorCode: 0, version: '6.2.0.17', omadacId: 'abc123' } })
})

it('believes the error code of the new path, whatever the old one says', async () => {
  web = await FakeWeb.start()
  web.json(current, { errorCode: -1 })
  web.json(legacy, info)
  expect(await ask()).toEqual({ ok: false, message: '/api/v2/anon/info says error code -1' })
})

it('fails when neither path answers', async () => {
  web = await FakeWeb.start()
  expect(await ask()).toEqual({ ok: false, message: 'the info API does not answer (HTTP 404)' })
})

it('gives up on an endless answer', async () => {
  web = await FakeWeb.start()
  web.answers.set(current, { body: 'x'.repeat(70_000) })
  expect(await ask()).toEqual({ ok: false, message: 'the answer is longer than 65536 bytes' })
})

it('ends when it is aborted', async () => {
  web = await FakeWeb.start()
  web.answers.set(current, { hang: true })
  const gone = new AbortController()
  const asked = ask(gone.signal)
  await expect.poll(() => web.requests.length, { timeout: 5000 }).toBe(1)
  gone.abort()
  expect(await asked).toMatchObject({ ok: false })
})
