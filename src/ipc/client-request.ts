import { type IncomingMessage, request } from 'node:http'
import { ApplianceError, messageOf, systemCode } from '../core/errors.ts'

/**
 * Longest answer or event that is read, in characters. The state of an appliance with 1,000 devices has about 0.5 million;
 * one whose table of devices a stranger filled with the longest texts has 5 million.
 */
export const maxStateLength = 8 * 1024 * 1024

/** A request to one of the appliance's unix sockets. */
export interface SocketRequest {
  /** The socket's path. */
  readonly socket: string
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly signal: AbortSignal
  /** The connection is given up when nothing arrives for this long. */
  readonly silenceMilliseconds?: number
}

/**
 * Resolves with the response when its headers have arrived; whoever gets it reads or destroys it. Text is UTF-8.
 * @throws ApplianceError APPLIANCE_UNREACHABLE; the signal's reason when it aborts, unless that is a deadline
 */
export async function requestOverSocket(options: SocketRequest): Promise<IncomingMessage> {
  const { socket, method, url, signal } = options
  signal.throwIfAborted()
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request({ socketPath: socket, method, path: url, signal, agent: false }, (response) => {
        response.setEncoding('utf8')
        resolve(response)
      })
      outgoing.on('error', reject)
      if (options.silenceMilliseconds !== undefined) {
        outgoing.setTimeout(options.silenceMilliseconds, () => outgoing.destroy(new Error('no answer in time')))
      }
      outgoing.end()
    })
  } catch (error) {
    throw unreachable(socket, error, signal)
  }
}

/**
 * The whole body of a response.
 * @throws like `requestOverSocket`
 */
export async function readBody(response: IncomingMessage, options: SocketRequest): Promise<string> {
  let text = ''
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      text += chunk
      if (text.length > maxStateLength) throw new RangeError(`the answer has more than ${maxStateLength} characters`)
    }
  } catch (error) {
    throw unreachable(options.socket, error, options.signal)
  }
  return text
}

/** What a failed exchange over a socket means to the user; the signal's reason when the caller gave up. */
export function unreachable(socket: string, error: unknown, signal: AbortSignal): Error {
  if (signal.aborted && !(signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')) {
    return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason))
  }
  return new ApplianceError({ code: 'APPLIANCE_UNREACHABLE', ...explain(socket, error, signal) }, { cause: error })
}

function explain(socket: string, error: unknown, signal: AbortSignal): { message: string; remedy: string } {
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return {
        message: `omada-host is not running: nothing answers on "${socket}"`,
        remedy: 'systemctl start omada-host (or run "omada-host run" in another terminal)',
      }
    case 'EACCES':
    case 'EPERM':
      return { message: `this user may not open "${socket}"`, remedy: 'run the command as root (sudo)' }
    default:
      return {
        message: `omada-host does not answer on "${socket}": ${signal.aborted ? 'no answer in time' : messageOf(error)}`,
        remedy: 'journalctl -u omada-host -u omada-host-edge shows why',
      }
  }
}
