import { request } from 'node:https'
import { expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { deviceOf, operator, type Running, type SimulatedRun, startController, startDevice } from './support.ts'

const mac = 'AA-BB-CC-00-00-01'
const client = { STANDIN_OPENAPI_CLIENT_ID: 'id', STANDIN_OPENAPI_CLIENT_SECRET: 'secret', STANDIN_OMADAC_ID: 'abc' }
const general = '/openapi/v1/abc/controller/setting/general'
const credentials = { omadacId: 'abc', client_id: 'id', client_secret: 'secret' }

interface Answer {
  errorCode: number
  result?: { accessToken?: string; expiresIn?: number }
}

async function ask(running: Running, method: string, path: string, o: { token?: string; body?: unknown } = {}) {
  return await new Promise<Answer>((resolve, reject) => {
    const headers = o.token === undefined ? {} : { authorization: `AccessToken=${o.token}` }
    const port = running.at('manageHttps')
    const options = { method, headers, agent: false as const, rejectUnauthorized: false }
    const asked = request(`https://127.0.0.1:${port}${path}`, options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      response.on('end', () => resolve(JSON.parse(text) as Answer))
    })
    asked.on('error', reject)
    asked.end(o.body === undefined ? undefined : JSON.stringify(o.body))
  })
}

const grant = (running: Running, body: unknown) =>
  ask(running, 'POST', '/openapi/authorize/token?grant_type=client_credentials', { body })

async function adopted(environment: Record<string, string>): Promise<{ running: Running; run: SimulatedRun }> {
  const running = await startController({ STANDIN_TELL_SECONDS: '0', ...environment })
  const run = await startDevice(running, { moveMilliseconds: 50, silentMilliseconds: 1000 })
  await waitFor(async () => expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'pending' }))
  await operator(running.at('api'), '/adopt', { mac })
  await waitFor(() => expect(run.of('connected').length).toBeGreaterThan(0))
  return { running, run }
}

it('tells devices its own address, where nobody is, and they go there and fall silent', async () => {
  const { running, run } = await adopted({ STANDIN_ADDRESS: '127.0.0.9' })
  await waitFor(() => expect(run.of('disconnected')[0]).toMatchObject({ reason: 'told to go to 127.0.0.9' }))
  const announced = run.of('announced').length
  await waitFor(() => expect(run.of('connectFailed').length).toBeGreaterThan(2))
  expect(run.of('connecting').at(-1)).toMatchObject({ address: '127.0.0.9' })
  expect(run.of('announced').length).toBe(announced)
  expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'disconnected', toldHost: '127.0.0.9' })
  // After its silence it announces, and is called back.
  await waitFor(() => expect(run.of('connected').length).toBe(2))
})

it('tells the host that was set by the Open API, and devices stay', async () => {
  const running = await startController({ ...client, STANDIN_TELL_SECONDS: '0' })
  const token = (await grant(running, credentials)).result?.accessToken ?? ''
  const body = { deviceManage: { deviceHostEnable: true, deviceHost: '127.0.0.1' } }
  expect(await ask(running, 'PATCH', general, { token, body })).toMatchObject({ errorCode: 0 })
  expect(await ask(running, 'GET', general, { token })).toMatchObject({
    errorCode: 0,
    result: { ...body, webPort: { hostName: '', autoPortalIpEnable: true } },
  })
  const run = await startDevice(running, { moveMilliseconds: 0 })
  await waitFor(async () => expect(await deviceOf(running.at('api'), mac)).toMatchObject({ state: 'pending' }))
  await operator(running.at('api'), '/adopt', { mac })
  await waitFor(() => expect(run.of('told')).toMatchObject([{ address: '127.0.0.1' }]))
  const informs = run.of('informed').length
  await waitFor(() => expect(run.of('informed').length).toBeGreaterThan(informs + 2))
  expect(run.of('disconnected')).toEqual([])
  // Kept in the data.
  await running.controller.stop()
  const again = await startController({}, running.directory)
  expect((await operator(again.at('api'), '/health')).body).toMatchObject({ deviceHost: '127.0.0.1' })
})

it('refuses a wrong client, a missing, an expired and an invented token, and a name for an address', async () => {
  const running = await startController({ ...client, STANDIN_TOKEN_SECONDS: '0' })
  expect(await grant(running, { ...credentials, client_secret: 'other' })).toMatchObject({ errorCode: -44106 })
  const expired = (await grant(running, credentials)).result?.accessToken ?? ''
  expect(await ask(running, 'GET', general, { token: expired })).toMatchObject({ errorCode: -44112 })
  expect(await ask(running, 'GET', general)).toMatchObject({ errorCode: -44112 })
  expect(await ask(running, 'GET', general, { token: 'AT-x' })).toMatchObject({ errorCode: -44113 })
  const named = { deviceManage: { deviceHostEnable: true, deviceHost: 'omada.lan' } }
  expect((await operator(running.at('api'), '/settings', named)).status).toBe(400)
  const without = await startController()
  expect(await grant(without, { omadacId: '', client_id: '', client_secret: '' })).toMatchObject({ errorCode: -44106 })
})
