import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { messageOf } from '../../core/errors.ts'
import { type ControllerInfo, infoPaths, parseInfo } from '../../omada/info-api.ts'
import type { ProbeResult } from './schedule.ts'

/**
 * Asks the controller's info API whether it works, and which version and id it has. What the first path does not tell
 * of those is taken from the other one, whose word on health counts only where the first does not exist.
 */
export async function probeInfo(host: string, port: number, signal: AbortSignal): Promise<ProbeResult> {
  const ask = (path: string) => httpsGet({ host, port, path }, signal)
  try {
    const current = parseInfo((await ask(infoPaths.current)).body)
    if (current !== undefined && current.errorCode !== 0) return refused(infoPaths.current, current.errorCode)
    if (current?.version !== undefined && current.omadacId !== undefined) return working(current)
    if (current !== undefined) return working({ ...(await identity(ask)), ...current })
    const answer = await ask(infoPaths.legacy)
    const legacy = parseInfo(answer.body)
    if (legacy === undefined) {
      const told = answer.status === 200 ? 'something else than JSON on it' : `HTTP ${answer.status}`
      return { ok: false, message: `the info API does not answer (${told})` }
    }
    return legacy.errorCode === 0 ? working(legacy) : refused(infoPaths.legacy, legacy.errorCode)
  } catch (error) {
    return { ok: false, message: messageOf(error) }
  }
}

/** Version and id from the old path; a failure there says nothing when the new path said that all is well. */
async function identity(ask: (path: string) => Promise<HttpsAnswer>): Promise<ControllerInfo | undefined> {
  try {
    return parseInfo((await ask(infoPaths.legacy)).body)
  } catch {
    return undefined
  }
}

function refused(path: string, errorCode: number): ProbeResult {
  return { ok: false, message: `${path} says error code ${errorCode}` }
}

function working(controller: ControllerInfo): ProbeResult {
  return { ok: true, controller, ...(controller.version === undefined ? {} : { detail: controller.version }) }
}

/** Enough for any answer of the info API many times over. */
const maxBodyBytes = 64 * 1024

interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/**
 * One GET on a connection of its own, no redirect followed. Accepts whatever certificate and TLS level the other side
 * has: it is our own container, reached on its own bridge, and old controllers have TLS 1.0 and self-signed keys of
 * 1024 bits. Rejects with the socket's error, when the body exceeds 64 KiB, and when `signal` aborts.
 */
async function httpsGet(
  options: { readonly host: string; readonly port: number; readonly path: string },
  signal: AbortSignal,
): Promise<HttpsAnswer> {
  const request = get({
    ...options,
    signal,
    agent: false,
    headers: { accept: 'application/json', 'user-agent': 'omada-host' },
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  })
  // An error may still come after the answer, which has its own.
  request.on('error', () => {})
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
