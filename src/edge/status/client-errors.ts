import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type Fault, systemCode } from '../../core/errors.ts'
import { securityHeaders } from './policy.ts'

/** Longest request line and headers together, in bytes. */
export const maxHeaderBytes = 16 * 1024

/** Answers what is not an HTTP request at all, or not in time, and closes the connection. */
export function answerClientError(error: Error, socket: Socket): void {
  if (systemCode(error) === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, headers, fault } = explain(error)
  const body = JSON.stringify(fault)
  const lines = Object.entries({
    ...securityHeaders,
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`, () => socket.destroy())
}

function explain(error: Error): { status: number; headers?: Record<string, string>; fault: Fault } {
  const fault = (message: string, remedy: string): Fault => ({ code: 'HTTP_REQUEST', message, remedy })
  const code = systemCode(error)
  if (code === 'HPE_HEADER_OVERFLOW') {
    const remedy = 'send fewer headers, or delete the cookies that the browser keeps for this host'
    return { status: 431, fault: fault(`the request's headers have more than ${maxHeaderBytes} bytes`, remedy) }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, fault: fault('the request did not arrive in time', 'send it again') }
  }
  if (code === 'HPE_INVALID_METHOD' && beginsWithMethod(error)) {
    const message = 'the method of this request is not known'
    return { status: 405, headers: { allow: 'GET, HEAD' }, fault: { code: 'HTTP_METHOD', message, remedy: 'use GET' } }
  }
  return { status: 400, fault: fault('this is not an HTTP/1.1 request', 'use an HTTP client') }
}

/** False for what is no HTTP at all, such as a TLS handshake: the parser takes its first byte for a bad method too. */
function beginsWithMethod(error: Error): boolean {
  const packet = 'rawPacket' in error ? error.rawPacket : undefined
  return packet instanceof Buffer && /^[A-Za-z-]{1,32} /.test(packet.toString('latin1', 0, 40))
}
