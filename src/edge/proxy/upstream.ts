import { connect, type Socket } from 'node:net'
import { systemCode } from '../../core/errors.ts'
import type { Refusal } from './counters.ts'

/**
 * When TCP starts to ask whether a silent peer is still there, in milliseconds. Devices speak every ten seconds, so
 * only a leg that is really silent is asked; Linux gives up eleven minutes later (tcp(7), tcp_keepalive_intvl and
 * tcp_keepalive_probes).
 */
export const keepAliveMilliseconds = 60_000

/** What kept the connection from the controller, by the error names of connect(2). */
const refusals: Readonly<Record<string, Refusal>> = {
  ECONNREFUSED: 'upstream-refused',
  ECONNRESET: 'upstream-refused',
  ETIMEDOUT: 'upstream-timeout',
  EHOSTUNREACH: 'upstream-unreachable',
  ENETUNREACH: 'upstream-unreachable',
  EHOSTDOWN: 'upstream-unreachable',
  // Every outgoing port towards the controller is taken.
  EADDRNOTAVAIL: 'no-resources',
  EMFILE: 'no-resources',
  ENFILE: 'no-resources',
  ENOBUFS: 'no-resources',
  ENOMEM: 'no-resources',
}

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
  socket.on('error', (error) => settle(refusals[systemCode(error) ?? ''] ?? 'upstream-failed'))
  socket.once('close', () => settle('upstream-failed'))
  return socket
}
