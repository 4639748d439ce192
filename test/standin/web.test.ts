import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { describe, expect, it, vi } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { operator, startController } from './support.ts'

async function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ response: IncomingMessage; body: string }> {
  const request = url.startsWith('https') ? httpsRequest : httpRequest
  return await new Promise((resolve, reject) => {
    const options = { agent: false, rejectUnauthorized: false, headers, signal: AbortSignal.timeout(10_000) }
    request(url, options, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve({ response, body }))
    })
      .on('error', reject)
      .end()
  })
}

async function errorCode(port: number): Promise<unknown> {
  const { body } = await get(`https://127.0.0.1:${port}/api/v2/anon/info`)
  return (JSON.parse(body) as { errorCode: unknown }).errorCode
}

it('answers on 8043 what needs no login', async () => {
  const { at } = await startController({ STANDIN_VERSION: '6.1.0.19', STANDIN_OMADAC_ID: 'abc123' })
  const base = `https://127.0.0.1:${at('manageHttps')}`
  expect((await get(`${base}/login`)).response.statusCode).toBe(200)
  const info = JSON.parse((await get(`${base}/api/info`)).body) as unknown
  expect(info).toMatchObject({
    errorCode: 0,
    result: { omadacId: 'abc123', controllerVer: '6.1.0.19', configured: true },
  })
  expect(await errorCode(at('manageHttps'))).toBe(0)
  expect((await get(`${base}/no/such`)).response.statusCode).toBe(404)
})

it('sends 8088 to 8043 on the host that was asked, and nobody anywhere else', async () => {
  const { at } = await startController()
  const url = `http://127.0.0.1:${at('manageHttp')}/x?y=1`
  const to = async (host: string) => (await get(url, { host })).response.headers.location
  expect(await to('controller.example:8088')).toBe(`https://controller.example:${at('manageHttps')}/x?y=1`)
  expect(await to('evil/../')).toBe(`https://localhost:${at('manageHttps')}/x?y=1`)
})

it('shows the portal on 8843', async () => {
  const { at } = await startController()
  expect((await get(`https://127.0.0.1:${at('portalHttps')}/`)).body).toContain('guest')
})

describe('with its database', () => {
  it('dead, answers /login and not /api/v2/anon/info, until it is back', async () => {
    const { at, lines } = await startController({ STANDIN_DATABASE: 'dead' })
    expect((await get(`https://127.0.0.1:${at('manageHttps')}/login`)).response.statusCode).toBe(200)
    expect(await errorCode(at('manageHttps'))).toBe(-1)
    expect(lines.join('\n')).toContain('Fail to start mongo DB server with exit code 100')
    expect(lines.join('\n')).toContain('mongod was shutdown, restarting it')
    await operator(at('api'), '/faults', { database: 'up' })
    expect(await errorCode(at('manageHttps'))).toBe(0)
    await operator(at('api'), '/faults', { database: 'dead' })
    expect(await errorCode(at('manageHttps'))).toBe(-1)
  })

  it('slow, answers late', async () => {
    const { at } = await startController({ STANDIN_DATABASE: 'slow', STANDIN_DATABASE_DELAY_SECONDS: '0.5' })
    const before = performance.now()
    expect(await errorCode(at('manageHttps'))).toBe(0)
    expect(performance.now() - before).toBeGreaterThan(450)
  })

  it('elsewhere, works when that accepts', async () => {
    const other = await startController()
    const uri = `mongodb://user:secret@127.0.0.1:${other.at('mongo')}/omada`
    const { at, controller } = await startController({ MONGO_EXTERNAL: 'true', EAP_MONGOD_URI: uri })
    expect(controller.ports.mongo).toBeUndefined()
    expect(await errorCode(at('manageHttps'))).toBe(0)
    await operator(other.at('api'), '/faults', { database: 'dead' })
    expect(await errorCode(at('manageHttps'))).toBe(-1)
  })
})

it('goes silent after an OutOfMemoryError, and still accepts connections', async () => {
  const { at, lines, controller } = await startController()
  await operator(at('api'), '/faults', { outOfMemory: true })
  expect(lines.at(-1)).toContain('java.lang.OutOfMemoryError: Java heap space')
  const count = lines.length
  const asked = get(`https://127.0.0.1:${at('manageHttps')}/login`)
  const answered = vi.fn()
  asked.then(answered, () => undefined)
  const managed = async () => (await operator(at('api'), '/stats')).body
  await waitFor(async () => expect(await managed()).toMatchObject({ tcp: { manageHttps: { open: 1 } } }))
  // The same process answers these, in its turn, and not that one.
  for (let turn = 0; turn < 20; turn += 1) await managed()
  expect(answered).not.toHaveBeenCalled()
  await controller.stop()
  expect(await controller.ended).toBe(143)
  expect(lines.length).toBe(count)
})

it('refuses a fault that it does not know, and keeps those in force', async () => {
  const { at } = await startController()
  for (const body of [{ database: 'gone' }, { constructor: 'x' }, { stopSeconds: -1 }, { crash: { code: 'x' } }]) {
    expect((await operator(at('api'), '/faults', body)).status).toBe(400)
  }
  expect((await operator(at('api'), '/faults')).body).toMatchObject({ database: 'up', stopSeconds: 0 })
  expect((await operator(at('api'), '/nothing')).status).toBe(404)
})
