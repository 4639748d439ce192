import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ProxyTuning } from '../../../../src/edge/proxy/proxy.ts'
import type { Upstream, WaitingView } from '../../../../src/edge/proxy/web-upstream.ts'
import type { AccessPolicy } from '../../../../src/network/access.ts'
import type { Role } from '../../../../src/omada/ports.ts'
import { freePort, type ProxyUnderTest, proxyHost, startProxy } from '../support.ts'

export const pulling: WaitingView = {
  phase: 'pulling',
  reason: { message: 'Downloading docker.io/mbentley/omada-controller:6.2' },
  pull: {
    image: 'docker.io/mbentley/omada-controller:6.2',
    current: 123_456_789,
    total: 456_000_000,
    layers: [],
    attempt: 2,
  },
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The certificate that the server showed, PEM; empty without TLS. */
  readonly certificate: string
}

/** One HTTP request to the proxy, over TLS on demand, taking any certificate. */
export function get(
  port: number,
  options: { tls?: boolean; accept?: string; method?: string; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let certificate = ''
    const send = options.tls === true ? httpsRequest : httpRequest
    const request = send(
      {
        host: proxyHost,
        port,
        path: '/',
        agent: false,
        method: options.method ?? 'GET',
        headers: options.accept === undefined ? {} : { accept: options.accept },
        ...(options.tls === true ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
            certificate,
          }),
        )
      },
    )
    request.on('socket', (socket) => {
      socket.on('secureConnect', () => {
        if ('getPeerX509Certificate' in socket && typeof socket.getPeerX509Certificate === 'function') {
          certificate = String(socket.getPeerX509Certificate())
        }
      })
    })
    request.on('error', reject)
    request.end(options.body)
  })
}

/** A proxy with one plain and one TLS web port, the controller being away; `upstream` can be set during the test. */
export async function startWaiting(
  options: {
    view?: WaitingView
    access?: (role: Role) => AccessPolicy
    certificate?: () => Promise<{ cert: string; key: string } | undefined>
    stateDirectory?: string
    tuning?: ProxyTuning
  } = {},
): Promise<ProxyUnderTest & { plain: number; tls: number; upstream: { now: Upstream } }> {
  const plain = await freePort()
  const tls = await freePort()
  const upstream: { now: Upstream } = { now: { kind: 'wait', view: options.view ?? pulling } }
  const { view: _view, tuning, ...rest } = options
  const started = await startProxy({
    ...rest,
    ports: [plain, tls],
    webUpstream: () => upstream.now,
    tuning: {
      webPorts: [
        { port: plain, tls: false },
        { port: tls, tls: true },
      ],
      ...tuning,
    },
  })
  return { ...started, plain, tls, upstream }
}
