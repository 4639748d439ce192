import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeSelfSigned } from '../../src/edge/proxy/waiting-room/certificate.ts'

const token = 'AT-1f2e3d'

/** A controller's Open API on loopback as far as the general settings, at the level of its protocol. */
export class FakeOpenApi {
  readonly omadacId = 'abc123'
  readonly clientId = 'client-1'
  readonly clientSecret = 'S3cret-of-the-client'
  settings: Record<string, Record<string, unknown>> = {
    deviceManage: { deviceHostEnable: false, deviceHost: '' },
    webPort: { hostName: '', autoPortalIpEnable: true, httpsPort: 8043 },
  }
  /** What it answers to a change instead of making it. */
  refusal: { errorCode: number; msg: string } | undefined
  /** What it answers to everything. */
  raw: string | undefined
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<FakeOpenApi> {
    const server = createServer(await makeSelfSigned({ hostname: 'localhost' }))
    const fake = new FakeOpenApi(server)
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      const answer = fake.#answer(`${request.method} ${request.url}`, request.headers.authorization, text)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(fake.raw ?? JSON.stringify(answer))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return fake
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #answer(asked: string, authorization: string | undefined, text: string): object {
    const body = text === '' ? {} : JSON.parse(text)
    if (asked === 'POST /openapi/authorize/token?grant_type=client_credentials') {
      const { omadacId, client_id, client_secret } = body
      const known = omadacId === this.omadacId && client_id === this.clientId && client_secret === this.clientSecret
      if (!known) return { errorCode: -44106, msg: 'The client id or client secret is invalid' }
      return {
        errorCode: 0,
        msg: 'Open API Get Access Token successfully.',
        result: { accessToken: token, expiresIn: 7200 },
      }
    }
    if (authorization !== `AccessToken=${token}`) return { errorCode: -44113, msg: 'The Access Token is Invalid' }
    const path = `/openapi/v1/${this.omadacId}/controller/setting/general`
    if (asked === `GET ${path}`) return { errorCode: 0, msg: 'Success.', result: this.settings }
    if (asked !== `PATCH ${path}`) return { errorCode: -1600, msg: 'Unsupported request path.' }
    if (this.refusal !== undefined) return this.refusal
    for (const [section, keys] of Object.entries<Record<string, unknown>>(body)) {
      this.settings[section] = { ...this.settings[section], ...keys }
    }
    return { errorCode: 0, msg: 'Success.' }
  }
}
