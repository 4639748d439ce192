import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach } from 'vitest'
import { type Config, configSchema } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger, type Logger } from '../../../src/core/logger.ts'
import { Warnings } from '../../../src/core/warnings.ts'
import { type ProxyTuning, TcpProxy } from '../../../src/edge/proxy/proxy.ts'
import type { Upstream } from '../../../src/edge/proxy/web-upstream.ts'
import type { ProxyPortState } from '../../../src/ipc/edge-state.ts'
import type { AccessPolicy } from '../../../src/network/access.ts'
import type { Role } from '../../../src/omada/ports.ts'

/** Where the proxy under test listens, and where the controller is: the port's number is the same on both. */
export const proxyHost = '127.0.0.1'
export const controllerHost = '127.0.0.2'

const undo: (() => unknown)[] = []

/** Runs after the test, last first. */
export function later(action: () => unknown): void {
  undo.push(action)
}

afterEach(async () => {
  for (let action = undo.pop(); action !== undefined; action = undo.pop()) await action()
})

/** A logger that keeps its lines. */
export function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  return { lines, logger: createLogger({ level: 'debug', format: 'human', write: (line) => lines.push(line) }) }
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'proxy-test-'))
  later(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A TCP server with the controller's part; `port` 0 is any free one. Its connections end with the test. */
export async function controller(
  onConnection: (socket: Socket) => void,
  port = 0,
): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: controllerHost, port, backlog: 4096 }, resolve)
  })
  later(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, server }
}

/** A port that was free a moment ago and has no controller behind it. */
export async function freePort(): Promise<number> {
  const { port, server } = await controller(() => {})
  await new Promise((resolve) => server.close(resolve))
  return port
}

export const admitsAll: AccessPolicy = { admits: () => true, servedAddresses: () => [] }

export interface ProxyUnderTest {
  readonly proxy: TcpProxy
  readonly lines: string[]
  readonly stateDirectory: string
  state(port?: number): ProxyPortState
}

/** A started proxy on 127.0.0.1 in front of 127.0.0.2, stopped after the test. */
export async function startProxy(options: {
  ports: number[]
  proxy?: Partial<Config['proxy']>
  access?: (role: Role) => AccessPolicy
  arrivesBy?: (remoteAddress: string) => string | undefined
  controllerAddress?: () => string | undefined
  webUpstream?: () => Upstream
  certificate?: () => Promise<{ cert: string; key: string } | undefined>
  stateDirectory?: string
  tuning?: ProxyTuning
}): Promise<ProxyUnderTest> {
  const { logger, lines } = recordingLogger()
  const base = configSchema.parse({})
  const stateDirectory = options.stateDirectory ?? temporaryDirectory()
  const proxy = new TcpProxy({
    config: {
      ...base,
      proxy: { ...base.proxy, drainSeconds: 0, ...options.proxy, ports: options.ports },
    },
    logger,
    clock: systemClock,
    dependencies: {
      access: options.access ?? (() => admitsAll),
      arrivesBy: options.arrivesBy ?? (() => undefined),
      controllerAddress: options.controllerAddress ?? (() => controllerHost),
      webUpstream: options.webUpstream ?? (() => ({ kind: 'forward' })),
      certificate: options.certificate ?? (async () => undefined),
      stateDirectory,
      warnings: new Warnings({ logger, clock: systemClock }).source({ name: 'waiting-room' }),
    },
    tuning: { hosts: [proxyHost], ...options.tuning },
  })
  later(() => proxy.stop(AbortSignal.abort()))
  await proxy.start(new AbortController().signal)
  return {
    proxy,
    lines,
    stateDirectory,
    state: (port = options.ports[0]) => {
      const state = proxy.state().find((candidate) => candidate.port === port)
      if (state === undefined) throw new Error(`no port ${port}`)
      return state
    },
  }
}

/** What a client saw of its connection. `closedBy` is undefined while it is open. */
export interface Client {
  readonly socket: Socket
  readonly connected: Promise<void>
  /** Resolves when it is closed, with `reset` after an ECONNRESET and else with `end`. */
  readonly closed: Promise<'end' | 'reset'>
  received(): Buffer
  ended(): boolean
}

/** A client of the proxy. Reads all that comes; does not end its side by itself. */
export function dial(port: number, options: { localAddress?: string; host?: string } = {}): Client {
  const socket = connect({ host: proxyHost, port, allowHalfOpen: true, ...options })
  later(() => socket.destroy())
  const chunks: Buffer[] = []
  let ended = false
  let reset = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('end', () => {
    ended = true
  })
  socket.on('error', (error) => {
    reset ||= 'code' in error && error.code === 'ECONNRESET'
  })
  return {
    socket,
    connected: new Promise((resolve) => socket.once('connect', () => resolve())),
    closed: new Promise((resolve) => socket.once('close', () => resolve(reset ? 'reset' : 'end'))),
    received: () => Buffer.concat(chunks),
    ended: () => ended,
  }
}

/** What `promise` settles to, or a rejection after a generous deadline. */
export async function soon<T>(promise: Promise<T>, milliseconds = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('this did not happen in time')), milliseconds)
  })
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/**
 * Runs an ES module in a Node of its own that is in an empty network namespace and may not open ports below 1024.
 * Returns what it printed, without the newline.
 */
export async function withoutNetwork(program: string): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', program]
  const argv = ['--net', 'setpriv', '--bounding-set=-net_bind_service', '--', ...node]
  const { stdout } = await promisify(execFile)('unshare', argv, { timeout: 15_000 })
  return stdout.trim()
}
