import { createConnection } from 'node:net'
import { messageOf } from '../../core/errors.ts'

/** Resolves when `host:port` accepts a connection, which is closed again at once. Rejects with the socket's error. */
export function connectOnce(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, signal })
    // Stays on after the outcome: destroying a socket may still raise an error.
    socket.on('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('close', () => reject(new Error(`the connection to ${host}:${port} was closed`)))
  })
}

/** The ports of `host` that do not accept a connection, each with why not. */
export async function refusingPorts(
  host: string,
  ports: readonly number[],
  signal: AbortSignal,
): Promise<readonly { readonly port: number; readonly message: string }[]> {
  const tried = await Promise.all(
    ports.map(async (port) => {
      try {
        await connectOnce(host, port, signal)
        return undefined
      } catch (error) {
        return { port, message: messageOf(error) }
      }
    }),
  )
  return tried.filter((refusal) => refusal !== undefined)
}
