import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { makeSelfSigned } from '../../src/edge/proxy/waiting-room/certificate.ts'

export interface WebAnswer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string
  /** Never answers. */
  readonly hang?: true
}

/** An HTTPS server on loopback with a self-signed certificate whose answers a test sets by path. */
export class FakeWeb {
  readonly answers = new Map<string, WebAnswer>()
  readonly requests: string[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(options: ServerOptions = {}): Promise<FakeWeb> {
    // Expired since the seventies: our own container may have whatever certificate it likes.
    const server = createServer({ ...(await makeSelfSigned({ hostname: 'localhost' })), ...options })
    const web = new FakeWeb(server)
    server.on('request', (request, response) => {
      const path = request.url ?? ''
      web.requests.push(path)
      const answer = web.answers.get(path) ?? { status: 404, body: 'not found' }
      if (answer.hang === true) return
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers })
      response.on('error', () => {})
      response.end(answer.body ?? '')
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    return web
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Sets the answer of a path to a JSON document. */
  json(path: string, document: unknown): void {
    this.answers.set(path, { body: JSON.stringify(document) })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
