import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { BodyError, readObject } from './json-body.ts'
import { TcpListener } from './listeners.ts'
import { OperatorError } from './registry.ts'

/** What an operator may ask. Each answers with what goes out as JSON. */
export interface Operations {
  devices(): unknown
  adopt(mac: string): unknown
  stats(): unknown
  health(): unknown
  faults(): unknown
  settings(): unknown
  changeSettings(change: Readonly<Record<string, unknown>>): unknown
  changeFaults(change: Readonly<Record<string, unknown>>): Promise<unknown>
}

/** The operator's API of the stand-in: plain HTTP, no login, not TP-Link's. */
export function operatorApi(operations: Operations): TcpListener {
  return new TcpListener(
    createServer((request, response) => {
      route(request, operations).then(
        ({ status, body }) => reply(response, status, body),
        (error: unknown) => {
          const status = error instanceof OperatorError || error instanceof BodyError ? error.status : 400
          reply(response, status, { error: error instanceof Error ? error.message : String(error) })
        },
      )
    }),
  )
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body, null, 2)}\n`)
}

async function route(request: IncomingMessage, operations: Operations): Promise<{ status: number; body: unknown }> {
  const path = (request.url ?? '/').split('?')[0]
  switch (`${request.method} ${path}`) {
    case 'GET /devices':
      return { status: 200, body: operations.devices() }
    case 'POST /adopt': {
      const { mac } = await readObject(request)
      if (typeof mac !== 'string') throw new OperatorError(400, 'the body wants {"mac": "AA-BB-CC-DD-EE-FF"}')
      return { status: 202, body: operations.adopt(mac) }
    }
    case 'GET /stats':
      return { status: 200, body: operations.stats() }
    case 'GET /health':
      return { status: 200, body: operations.health() }
    case 'GET /faults':
      return { status: 200, body: operations.faults() }
    case 'POST /faults':
      return { status: 200, body: await operations.changeFaults(await readObject(request)) }
    case 'GET /settings':
      return { status: 200, body: operations.settings() }
    case 'POST /settings':
      return { status: 200, body: operations.changeSettings(await readObject(request)) }
    default:
      throw new OperatorError(
        404,
        'there is GET /devices /stats /health /faults /settings and POST /adopt /faults /settings',
      )
  }
}
