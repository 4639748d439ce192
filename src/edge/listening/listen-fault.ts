import { type Fault, messageOf, systemCode } from '../../core/errors.ts'

/** What was to be opened, in the words of its user. */
export interface ListenTarget {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** The address, when it is not the wildcard. */
  readonly address?: string | undefined
  /** What the port is for, where the setting does not tell: `the status page`. */
  readonly purpose?: string
  /** The setting that the port comes from, such as `proxy.ports`. */
  readonly setting: string
}

/** `TCP port 8090`, as a log line names what is opened. */
export function portName({ protocol, port }: Pick<ListenTarget, 'protocol' | 'port'>): string {
  return `${protocol.toUpperCase()} port ${port}`
}

/** Why a port could not be opened, by the system's error (bind(2)), and what its user can do. */
export function listenFault(target: ListenTarget, error: unknown): Fault {
  const { protocol, port, address, purpose, setting } = target
  const name = `${portName(target)}${purpose === undefined ? '' : ` of ${purpose}`}${address === undefined ? '' : ` on ${address}`}`
  const code = systemCode(error)
  if (code === 'EADDRINUSE') {
    return {
      code: 'PORT_IN_USE',
      message: `${name} is held by another process`,
      remedy: `stop that process (ss -l${protocol === 'tcp' ? 't' : 'u'}np 'sport = :${port}' names it), and the port opens by itself; or change ${setting}`,
    }
  }
  if (code === 'EACCES' && port < 1024) {
    return {
      code: 'PORT_PRIVILEGED',
      message: `${name} is below 1024, which this process may not open`,
      remedy: `change ${setting}, or lower net.ipv4.ip_unprivileged_port_start to ${port} (sysctl)`,
    }
  }
  return {
    code: 'PORT_FAILED',
    message: `${name} could not be opened: ${messageOf(error)}`,
    remedy: `it is tried again by itself; if it stays, go by the system's error in the message${address === undefined ? '' : ', and by ip address'}`,
  }
}
