import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as send } from 'node:https'

/** Enough for any answer of the controller's APIs that is asked for here, many times over. */
const maxBodyBytes = 64 * 1024

export interface HttpsRequest {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly method?: 'GET' | 'POST' | 'PATCH'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: object
}

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/**
 * One request to the controller on a connection of its own, no redirect followed. Accepts whatever certificate and TLS
 * level the other side has: it is our own container, reached on its own bridge, and old controllers have TLS 1.0 and
 * self-signed keys of 1024 bits. Rejects with the socket's error, when the answer exceeds 64 KiB, and when `signal` aborts.
 */
export async function requestOfController(options: HttpsRequest, signal: AbortSignal): Promise<HttpsAnswer> {
  const { body, headers, ...rest } = options
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const ofBody = text === undefined ? {} : { 'content-type': 'application/json', 'content-length': text.length }
  const request = send({
    ...rest,
    signal,
    agent: false,
    headers: { accept: 'application/json', 'user-agent': 'omada-host', ...ofBody, ...headers },
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  })
  // An error may still come after the answer, which has its own.
  request.on('error', () => {})
  request.end(text)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Error(`the answer is longer than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }
}
