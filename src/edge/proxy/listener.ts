import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { keepAliveMilliseconds } from './upstream.ts'

/** Connections that the kernel keeps until they are accepted; it lowers this to net.core.somaxconn. */
const backlog = 4096

/**
 * Opens a listening socket. `onConnection` owns each accepted socket, which is not read from until someone resumes it;
 * `onAcceptError` hears of a connection that could not be accepted, after which the server goes on.
 * @throws the system's error (`EADDRINUSE`, `EACCES`); nothing is left open
 */
export async function listen(options: {
  host: string
  port: number
  onConnection: (client: Socket) => void
  onAcceptError: (error: Error) => void
}): Promise<Server> {
  const { host, port, onConnection, onAcceptError } = options
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMilliseconds,
  })
  server.on('connection', onConnection)
  server.listen({ host, port, backlog })
  await once(server, 'listening')
  server.on('error', onAcceptError)
  return server
}
