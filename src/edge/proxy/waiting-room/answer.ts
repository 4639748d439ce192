import type { IncomingMessage, ServerResponse } from 'node:http'
import { percent } from '../../../core/format.ts'
import type { WaitingView } from '../web-upstream.ts'
import { reloadSeconds, renderPage, styleSource } from './page.ts'

/**
 * Answers any request with 503 and what there is to tell: as JSON to a client that asks for that and not for HTML, else
 * as a page. The connection ends with it, so that the visitor's next request finds the controller once it is ready.
 */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  about: { readonly view: WaitingView; readonly forManagement: boolean; readonly statusPort: number },
): void {
  const { view } = about
  const json = wantsJson(request.headers.accept)
  const statusPage = about.forManagement ? statusPageUrl(request, about.statusPort) : undefined
  const body = json ? `${JSON.stringify(describe(view))}\n` : renderPage(view, statusPage)
  response.writeHead(503, 'Service Unavailable', {
    'Content-Type': json ? 'application/json; charset=utf-8' : 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Content-Security-Policy': `default-src 'none'; style-src '${styleSource}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'Cache-Control': 'no-store',
    'Retry-After': reloadSeconds(view),
    Connection: 'close',
    Vary: 'Accept',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  })
  // Node leaves the body out of an answer to HEAD.
  response.end(body)
}

function wantsJson(accept: string | undefined): boolean {
  return accept !== undefined && /\bapplication\/json\b/i.test(accept) && !/\btext\/html\b/i.test(accept)
}

function describe(view: WaitingView): object {
  const { phase, reason, pull } = view
  if (pull === undefined) return { phase, reason }
  const { image, current, total, attempt } = pull
  return { phase, reason, pull: { image, current, total, percent: percent(pull), attempt } }
}

/** By the address that the visitor reached, not by the Host header, which anyone can set. */
function statusPageUrl(request: IncomingMessage, port: number): string | undefined {
  const address = request.socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
  if (address === undefined) return undefined
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/`
}
