import { connect, createServer } from 'node:net'
import { configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Emitter } from '../../../src/core/emitter.ts'
import { StatusServer, type StatusTiming } from '../../../src/edge/status/server.ts'
import type { EdgeState } from '../../../src/ipc/edge-state.ts'
import type { HostState } from '../../../src/ipc/host-state.ts'
import type { AccessPolicy } from '../../../src/network/access.ts'
import { hostState, silent, soon } from '../../ipc/fixtures.ts'
import { edgeState } from './fixtures.ts'

export interface Served extends AsyncDisposable {
  readonly server: StatusServer
  readonly port: number
  readonly url: string
  /** What the page tells of; tell it by `changed`. */
  host: HostState | undefined
  edge: EdgeState
  readonly changed: Emitter<void>
}

export const everybody: AccessPolicy = { admits: () => true, servedAddresses: () => [] }

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A real status server with states that the test owns. */
export async function serve(
  options: { port?: number; access?: AccessPolicy; timing?: Partial<StatusTiming> } = {},
): Promise<Served> {
  const port = options.port ?? (await freePort())
  const config = configSchema.parse({ status: { port } })
  const changed = new Emitter<void>()
  const states = { host: hostState() as HostState | undefined, edge: edgeState() }
  const server = new StatusServer({
    config,
    logger: silent,
    clock: systemClock,
    sources: { host: () => states.host, edge: () => states.edge },
    access: options.access ?? everybody,
    changed,
    timing: {
      coalesceMilliseconds: 50,
      heartbeatMilliseconds: 15_000,
      requestMilliseconds: 10_000,
      ...options.timing,
    },
  })
  await server.start(soon())
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    changed,
    get host() {
      return states.host
    },
    set host(host) {
      states.host = host
    },
    get edge() {
      return states.edge
    },
    set edge(edge) {
      states.edge = edge
    },
    [Symbol.asyncDispose]: () => server.stop(soon()),
  }
}

/** A connection that sends `text` as it is and collects what comes back. */
export function rawConnection(port: number, text: string) {
  const socket = connect({ port, host: '127.0.0.1' })
  const got = { text: '', closed: false, error: undefined as string | undefined, socket }
  socket.on('data', (chunk) => {
    got.text += chunk.toString()
  })
  socket.on('error', (error) => {
    got.error = 'code' in error ? String(error.code) : error.message
  })
  socket.on('close', () => {
    got.closed = true
  })
  socket.write(text)
  return got
}
