import systemdNotify from 'systemd-notify'
import { raceAbort } from '../core/deadline.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { runProgram } from '../core/run-program.ts'
import { Serial } from '../core/serial.ts'
import { plainText } from '../core/text.ts'

/** What a service tells systemd about itself (sd_notify(3)). No method rejects: a failure is logged. */
export interface Notifier {
  /** The service is up. */
  ready(): Promise<void>
  /** One line for `systemctl status`. */
  status(text: string): Promise<void>
  /** The service is going down in order. */
  stopping(): Promise<void>
  /** The service is alive and does its work. */
  watchdog(): Promise<void>
  /** Starting or stopping takes this much longer, in milliseconds from now. */
  extendTimeout(milliseconds: number): Promise<void>
}

/** Longest time that one notification may take. */
const sendMilliseconds = 5000
export const maxStatusLength = 400

/**
 * A notifier that talks to systemd when it started this service (NOTIFY_SOCKET), and does nothing otherwise.
 *
 * Sends one notification at a time, in order; a status that waits is replaced by a newer one. Node has no unix datagram
 * sockets, so each is sent by the program systemd-notify(1). The package of the same name knows how to run it for READY and
 * STATUS; for the three that it has no option for, the program gets the variable as it is.
 */
export function createNotifier(options: {
  env: Readonly<Record<string, string | undefined>>
  logger: Logger
}): Notifier {
  const turns = new Serial()
  const enqueue = async (send: () => Promise<unknown>) => {
    if (options.env.NOTIFY_SOCKET === undefined) return
    try {
      await turns.run(() => raceAbort(send(), AbortSignal.timeout(sendMilliseconds)))
    } catch (error) {
      options.logger.warn(`systemd was not notified: ${messageOf(error)}`)
    }
  }
  let waiting: { line: string } | undefined
  let statusSent = Promise.resolve()
  return {
    ready: () => enqueue(() => systemdNotify({ ready: true })),
    status: (text) => {
      // The program takes a line break for the end of one variable and the start of another.
      const line = plainText(text, maxStatusLength)
      if (waiting !== undefined) {
        waiting.line = line
        return statusSent
      }
      const next = { line }
      waiting = next
      statusSent = enqueue(() => {
        waiting = undefined
        return systemdNotify({ status: next.line })
      })
      return statusSent
    },
    stopping: () => enqueue(() => sendVariable('STOPPING=1')),
    watchdog: () => enqueue(() => sendVariable('WATCHDOG=1')),
    extendTimeout: (milliseconds) =>
      enqueue(() => sendVariable(`EXTEND_TIMEOUT_USEC=${Math.round(milliseconds * 1000)}`)),
  }
}

async function sendVariable(assignment: string): Promise<void> {
  await runProgram(['systemd-notify', `--pid=${process.pid}`, assignment], {
    deadlineMilliseconds: sendMilliseconds,
    inherit: ['NOTIFY_SOCKET'],
  })
}
