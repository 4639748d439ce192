import { constants } from 'node:crypto'
import { get } from 'node:https'

/** Enough for any answer of the info API many times over. */
const maxBodyBytes = 64 * 1024

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/**
 * One GET on a connection of its own, no redirect followed. Accepts whatever certificate and TLS level the other side
 * has: it is our own container, reached on its own bridge, and old controllers have TLS 1.0 and self-signed keys of
 * 1024 bits. Rejects with the socket's error, when the body exceeds 64 KiB, and when `signal` aborts.
 */
export function httpsGet(
  options: { readonly host: string; readonly port: number; readonly path: string },
  signal: AbortSignal,
): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const request = get(
      {
        ...options,
        signal,
        agent: false,
        headers: { accept: 'application/json', 'user-agent': 'omada-host' },
        rejectUnauthorized: false,
        minVersion: 'TLSv1',
        ciphers: 'DEFAULT@SECLEVEL=0',
        secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
      },
      (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > maxBodyBytes) request.destroy(new Error(`the answer is longer than ${maxBodyBytes} bytes`))
          else chunks.push(chunk)
        })
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        )
        response.once('error', reject)
        response.once('close', () => reject(new Error('the connection was closed before the end of the answer')))
      },
    )
    request.on('error', reject)
  })
}
