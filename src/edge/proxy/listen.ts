import { createServer, type Server, type Socket } from 'node:net'
import { type Fault, messageOf, systemCode } from '../../core/errors.ts'
import { keepAliveAfter } from './upstream.ts'

/** Connections that the kernel keeps until they are accepted; it lowers this to net.core.somaxconn. */
const backlog = 4096

/**
 * Opens a listening socket on the first of `hosts` that the machine can have. Where the kernel runs without IPv6 there
 * is no `::`, and the next one is tried. Accepted sockets are not read from until someone resumes them.
 * @throws the system's error (`EADDRINUSE`, `EACCES`); nothing is left open
 */
export async function listen(
  hosts: readonly string[],
  port: number,
  onConnection: (client: Socket) => void,
): Promise<Server> {
  let missing: unknown = new Error('no address to listen on')
  for (const host of hosts) {
    try {
      return await listenOn(host, port, onConnection)
    } catch (error) {
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) throw error
      missing = error
    }
  }
  throw missing
}

function listenOn(host: string, port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveAfter,
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog }, () => {
      server.off('error', reject)
      server.on('connection', onConnection)
      resolve(server)
    })
  })
}

/** Why a port could not be opened, for its user. */
export function listenFault(port: number, error: unknown): Fault {
  const code = systemCode(error)
  if (code === 'EADDRINUSE') {
    return {
      code: 'PORT_IN_USE',
      message: `TCP port ${port} is held by another process`,
      remedy: `stop that process (ss -ltnp 'sport = :${port}' names it) or take ${port} out of proxy.ports`,
    }
  }
  if (code === 'EACCES' && port < 1024) {
    return {
      code: 'PORT_PRIVILEGED',
      message: `TCP port ${port} is below 1024, which this process may not open`,
      remedy: `take ${port} out of proxy.ports, or lower net.ipv4.ip_unprivileged_port_start to ${port} (sysctl)`,
    }
  }
  return {
    code: 'PORT_FAILED',
    message: `TCP port ${port} could not be opened: ${messageOf(error)}`,
    remedy: 'see the system error in the message; the port is tried again by itself',
  }
}
