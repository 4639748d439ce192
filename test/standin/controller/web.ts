import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { KeyPair } from './certificate.ts'
import type { Database } from './database.ts'
import { TcpListener } from './listeners.ts'
import type { OpenApi } from './open-api.ts'
import type { Settings } from './settings.ts'

/** A page of the stand-in. `title` is ours, never a client's text. */
function page(title: string, text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** HTTPS on 8043: the login page and the two endpoints that need no login. */
export function managementWeb(o: {
  settings: Settings
  certificate: KeyPair
  database: Database
  openApi: OpenApi
  isSilent: () => boolean
}): TcpListener {
  const { version: controllerVer, omadacId, major } = o.settings
  const json = (response: ServerResponse, body: unknown) =>
    send(response, 200, 'application/json', JSON.stringify(body))
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '/').split('?')[0]
    if (path?.startsWith('/openapi/')) return json(response, await o.openApi.answer(request))
    if (path === '/api/info') {
      const result = { omadacId, controllerVer, apiVer: '3', configured: true, type: major >= 6 ? 10 : 1 }
      return json(response, { errorCode: 0, msg: 'Success.', result })
    }
    if (path === '/api/v2/anon/info') {
      // Only with a working database is the code 0; the codes and the body besides that are not known publicly.
      const works = await o.database.works()
      return json(
        response,
        works ? { errorCode: 0, msg: 'Success.', result: {} } : { errorCode: -1, msg: 'General error.' },
      )
    }
    if (path === '/login' || path === `/${omadacId}/login`) {
      return send(response, 200, 'text/html', page('Omada stand-in', `Controller ${controllerVer}, not the real one.`))
    }
    if (path === '/') return redirect(response, '/login')
    return send(response, 404, 'text/html', page('Not found', 'The stand-in has no such page.'))
  }
  return https(o.certificate, (request, response) => {
    if (o.isSilent()) return
    handle(request, response).catch(() => response.destroy())
  })
}

/** HTTPS on 8843: the captive portal. */
export function portalWeb(o: { certificate: KeyPair; isSilent: () => boolean }): TcpListener {
  return https(o.certificate, (_, response) => {
    if (!o.isSilent()) send(response, 200, 'text/html', page('Omada stand-in portal', 'Welcome, guest.'))
  })
}

/** HTTP on 8088: sends everyone to HTTPS on the same host. */
export function redirectWeb(o: { httpsPort: () => number; isSilent: () => boolean }): TcpListener {
  const server = createHttp((request, response) => {
    if (o.isSilent()) return
    const host = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d+)?$/.exec(request.headers.host ?? '')?.[1] ?? 'localhost'
    const path = /^\/[!-~]*$/.test(request.url ?? '') ? request.url : '/'
    redirect(response, `https://${host}:${o.httpsPort()}${path}`)
  })
  return new TcpListener(server)
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, 'content-length': 0 })
  response.end()
}

function https(certificate: KeyPair, listener: RequestListener): TcpListener {
  const server = createHttps({ cert: certificate.cert, key: certificate.key }, listener)
  server.on('tlsClientError', () => undefined)
  return new TcpListener(server)
}
