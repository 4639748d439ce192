import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { General } from './general.ts'
import { BodyError, readObject } from './json-body.ts'
import type { Settings } from './settings.ts'

/** TP-Link's Open API Access Guide, 1.2 "General Error Code In Result"; -1001, invalid parameters, is ours to guess. */
const code = { client: -44106, grant: -44111, expired: -44112, invalid: -44113, parameters: -1001, unknown: -1600 }
const maxTokens = 64

export interface Answer {
  readonly errorCode: number
  readonly msg: string
  readonly result?: unknown
}

/** TP-Link's Open API as far as the stand-in plays it: client credentials, and the general settings. */
export class OpenApi {
  readonly #settings: Settings
  readonly #general: General
  /** When each token ends, in monotonic milliseconds; the oldest goes when there are too many. */
  readonly #tokens = new Map<string, number>()

  constructor(o: { settings: Settings; general: General }) {
    this.#settings = o.settings
    this.#general = o.general
  }

  /** Answers a request below /openapi/, whatever it is; the HTTP status is always 200. */
  async answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'https://standin')
    try {
      if (request.method === 'POST' && url.pathname === '/openapi/authorize/token') {
        return this.#grant(url.searchParams.get('grant_type'), await readObject(request))
      }
      const refusal = this.#refusal(request.headers.authorization)
      if (refusal !== undefined) return refusal
      if (url.pathname === `/openapi/v1/${this.#settings.omadacId}/controller/setting/general`) {
        if (request.method === 'GET') return success(this.#general.get())
        if (request.method === 'PATCH') {
          this.#general.change(await readObject(request))
          return { errorCode: 0, msg: 'Success.' }
        }
      }
      return { errorCode: code.unknown, msg: 'Unsupported request path.' }
    } catch (error) {
      const faulty = error instanceof BodyError || error instanceof SyntaxError
      if (!faulty) throw error
      return { errorCode: code.parameters, msg: `Invalid request parameters: ${error.message}` }
    }
  }

  #grant(type: string | null, body: Readonly<Record<string, unknown>>): Answer {
    if (type !== 'client_credentials') return { errorCode: code.grant, msg: 'The grant type is invalid' }
    const { omadacId, openApi } = this.#settings
    const known =
      openApi !== undefined &&
      body.omadacId === omadacId &&
      body.client_id === openApi.clientId &&
      body.client_secret === openApi.clientSecret
    if (!known) return { errorCode: code.client, msg: 'The client id or client secret is invalid' }
    const accessToken = `AT-${randomBytes(16).toString('hex')}`
    const expiresIn = this.#settings.tokenSeconds
    const [oldest] = this.#tokens.keys()
    if (this.#tokens.size >= maxTokens && oldest !== undefined) this.#tokens.delete(oldest)
    this.#tokens.set(accessToken, performance.now() + expiresIn * 1000)
    return success({ accessToken, tokenType: 'bearer', expiresIn })
  }

  #refusal(authorization: string | undefined): Answer | undefined {
    const token = /^AccessToken=(.+)$/.exec(authorization ?? '')?.[1]
    const ends = token === undefined ? 0 : this.#tokens.get(token)
    if (ends === undefined) return { errorCode: code.invalid, msg: 'The access token is Invalid' }
    if (performance.now() < ends) return undefined
    return { errorCode: code.expired, msg: 'The access token has expired' }
  }
}

function success(result: unknown): Answer {
  return { errorCode: 0, msg: 'Success.', result }
}
