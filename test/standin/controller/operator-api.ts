import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { TcpListener } from './listeners.ts'
import { OperatorError } from './registry.ts'

/** What an operator may ask. Each answers with what goes out as JSON. */
export interface Operations {
  devices(): unknown
  adopt(mac: string): unknown
  stats(): unknown
  health(): unknown
  faults(): unknown
  changeFaults(change: Readonly<Record<string, unknown>>): Promise<unknown>
}

const maxBodyBytes = 65_536

/** The operator's API of the stand-in: plain HTTP, no login, not TP-Link's. */
export function operatorApi(operations: Operations): TcpListener {
  return new TcpListener(
    createServer((request, response) => {
      route(request, operations).then(
        ({ status, body }) => reply(response, status, body),
        (error: unknown) => {
          const status = error instanceof OperatorError ? error.status : 400
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
    default:
      throw new OperatorError(404, 'there is GET /devices /stats /health /faults and POST /adopt /faults')
  }
}

async function readObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new OperatorError(413, `the body is over ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OperatorError(400, 'the body is not a JSON object')
  }
  return value as Record<string, unknown>
}
