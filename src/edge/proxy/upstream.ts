import { connect, type Socket } from 'node:net'
import { systemCode } from '../../core/errors.ts'
import type { Refusal } from './counters.ts'

/**
 * When TCP starts to ask whether a silent peer is still there, in milliseconds. Devices speak every ten seconds, so
 * only a leg that is really silent is asked; Linux gives up eleven minutes later (tcp(7), tcp_keepalive_intvl and
 * tcp_keepalive_probes).
 */
export const keepAliveMilliseconds = 60_000

/**
 * Opens a connection to the controller. `done` is called once: without an error when it is connected, else with the
 * reason, the socket then being closed. The caller owns the socket from the start; it has an error handler.
 */
export function connectUpstream(
  target: { readonly address: string; readonly port: number; readonly timeoutMilliseconds: number },
  done: (refusal?: Refusal) => void,
): Socket {
  const socket = connect({
    host: target.address,
    port: target.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMilliseconds,
  })
  let settled = false
  const settle = (refusal?: Refusal) => {
    if (settled) return
    settled = true
    clearTimeout(timer)
    done(refusal)
  }
  const timer = setTimeout(() => {
    socket.destroy()
    settle('upstream-timeout')
  }, target.timeoutMilliseconds)
  socket.once('connect', () => settle())
  socket.on('error', (error) => settle(refusalOf(error)))
  socket.once('close', () => settle('upstream-failed'))
  return socket
}

/** What kept the connection from the controller; error names of connect(2). */
function refusalOf(error: Error): Refusal {
  switch (systemCode(error)) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return 'upstream-refused'
    case 'ETIMEDOUT':
      return 'upstream-timeout'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return 'upstream-unreachable'
    // EADDRNOTAVAIL: every outgoing port towards the controller is taken.
    case 'EADDRNOTAVAIL':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return 'no-resources'
    default:
      return 'upstream-failed'
  }
}
