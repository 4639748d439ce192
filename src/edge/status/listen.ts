import { type Fault, messageOf, systemCode } from '../../core/errors.ts'

/**
 * Calls `listen` with each of `hosts` until the machine has one: where the kernel runs without IPv6 there is no `::`.
 * @throws the system's error
 */
export async function listenOnFirst<T>(hosts: readonly string[], listen: (host: string) => Promise<T>): Promise<T> {
  let missing: unknown = new Error('no address to listen on')
  for (const host of hosts) {
    try {
      return await listen(host)
    } catch (error) {
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) throw error
      missing = error
    }
  }
  throw missing
}

/** Why the status page's port could not be opened, for its user. */
export function listenFault(port: number, error: unknown): Fault {
  const code = systemCode(error)
  if (code === 'EADDRINUSE') {
    return {
      code: 'PORT_IN_USE',
      message: `TCP port ${port} of the status page is held by another process`,
      remedy: `stop that process (ss -ltnp 'sport = :${port}' names it) or choose another status.port`,
    }
  }
  if (code === 'EACCES' && port < 1024) {
    return {
      code: 'PORT_PRIVILEGED',
      message: `TCP port ${port} of the status page is below 1024, which this process may not open`,
      remedy: `choose a status.port of 1024 or above, or lower net.ipv4.ip_unprivileged_port_start to ${port} (sysctl)`,
    }
  }
  return {
    code: 'PORT_FAILED',
    message: `TCP port ${port} of the status page could not be opened: ${messageOf(error)}`,
    remedy: 'see the system error in the message; the port is tried again by itself',
  }
}
