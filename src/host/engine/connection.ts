import { Agent } from 'node:http'
import Dockerode from 'dockerode'
import { raceAbort, withDeadline } from '../../core/deadline.ts'
import { ApplianceError, systemCode } from '../../core/errors.ts'
import type { EngineKind } from './engine.ts'
import { engineError } from './errors.ts'
import { engineKind, type RawVersion } from './facts.ts'

/** Where Podman's and Docker's system services listen. */
export const defaultSockets: readonly string[] = ['/run/podman/podman.sock', '/var/run/docker.sock']

/** How long one socket may take to say who it is: a socket-activated Podman starts first. */
const answerMilliseconds = 15_000

/** An engine that answered. */
export interface Connection {
  readonly socket: string
  readonly kind: EngineKind
  readonly version: RawVersion
}

/**
 * Makes one request of an engine, on a connection of its own: a kept one may be dead by the next call, and its failure
 * would look like that call's. Rejects with ECONNRESET when the connection ends before the answer does, which
 * docker-modem leaves unnoticed while it collects one.
 */
export async function request<T>(socket: string, work: (docker: Dockerode) => Promise<T>): Promise<T> {
  const closed = Promise.withResolvers<never>()
  closed.promise.catch(() => {})
  const lost = Object.assign(new Error('the connection ended before the answer did'), { code: 'ECONNRESET' })
  const agent = new Agent({ keepAlive: false })
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const stream = create(options, callback)
    // The answer, or an error that tells more, comes first when there is one.
    stream?.once('close', () => setImmediate(() => closed.reject(lost)))
    return stream
  }
  const options = { socketPath: socket, agent }
  return await Promise.race([work(new Dockerode(options)), closed.promise])
}

interface Modem {
  dial(options: object, callback: (error: Error | null, data: unknown) => void): void
}

/**
 * The JSON that answers `GET path`, or `POST path` of `body`: for what dockerode's own methods do not take a signal for,
 * and for what Docker's API does not have.
 */
export async function askJson<T extends object>(
  docker: Dockerode,
  path: string,
  signal: AbortSignal,
  body?: object,
): Promise<T> {
  const modem: Modem = docker.modem
  const answer = new Promise<T>((resolve, reject) => {
    const call = { path, method: body === undefined ? 'GET' : 'POST', options: body, abortSignal: signal }
    modem.dial({ ...call, statusCodes: { 200: true, 500: 'server error' } }, (error, data) => {
      if (error !== null) reject(error)
      else if (typeof data !== 'object' || data === null || Buffer.isBuffer(data)) {
        reject(Object.assign(new Error(`the answer to ${path} is not JSON`), { statusCode: 200 }))
      } else resolve(data as T)
    })
  })
  return await raceAbort(answer, signal)
}

/**
 * Connects to the first of `sockets` that answers.
 * @throws ApplianceError ENGINE_PERMISSION when one is there but closed to this user, else ENGINE_UNREACHABLE;
 *   the signal's reason when that aborts
 */
export async function connect(sockets: readonly string[], signal: AbortSignal): Promise<Connection> {
  const failures: { socket: string; error: unknown }[] = []
  for (const socket of sockets) {
    try {
      const own = withDeadline(answerMilliseconds, signal)
      const version = await request(socket, (docker) => askJson<RawVersion>(docker, '/version', own))
      return { socket, kind: engineKind(version), version }
    } catch (error) {
      signal.throwIfAborted()
      failures.push({ socket, error })
    }
  }
  const closed = failures.find(({ error }) => ['EACCES', 'EPERM'].includes(systemCode(error) ?? ''))
  if (closed !== undefined) throw engineError(closed.error, 'reach the container engine', closed.socket)
  const told = failures.map(({ socket, error }) => `${socket}: ${whyNot(error)}`).join('; ')
  throw new ApplianceError(
    {
      code: 'ENGINE_UNREACHABLE',
      message: `no container engine answers (${told})`,
      remedy:
        'install and start one: apt-get install podman && systemctl enable --now podman.socket; or set engine.socket',
    },
    { cause: failures[0]?.error },
  )
}

function whyNot(error: unknown): string {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'there is no such socket'
  if (code === 'ECONNREFUSED') return 'nothing listens'
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${answerMilliseconds / 1000} s`
  return error instanceof Error ? error.message : String(error)
}
