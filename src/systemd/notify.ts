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
const maxStatusLength = 400

/** A notifier that talks to systemd when it started this service (NOTIFY_SOCKET), and does nothing otherwise. */
export function createNotifier(options: {
  env: Readonly<Record<string, string | undefined>>
  logger: Logger
}): Notifier {
  return options.env.NOTIFY_SOCKET === undefined ? silentNotifier : new SystemdNotifier(options.logger)
}

const nothing = async () => {}
const silentNotifier: Notifier = {
  ready: nothing,
  status: nothing,
  stopping: nothing,
  watchdog: nothing,
  extendTimeout: nothing,
}

/**
 * Sends one notification at a time, in order; a status that waits is replaced by a newer one. Node has no unix datagram
 * sockets, so each is sent by the program systemd-notify(1). The package of the same name knows how to run it for READY and
 * STATUS; for the three that it has no option for, the program gets the variable as it is.
 */
class SystemdNotifier implements Notifier {
  readonly #logger: Logger
  readonly #turns = new Serial()
  #waitingStatus: { text: string; sent: Promise<void> } | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  ready(): Promise<void> {
    return this.#enqueue(() => systemdNotify({ ready: true }))
  }

  status(text: string): Promise<void> {
    // The program takes a line break for the end of one variable and the start of another.
    const line = plainText(text, maxStatusLength)
    if (this.#waitingStatus !== undefined) {
      this.#waitingStatus.text = line
      return this.#waitingStatus.sent
    }
    const waiting = { text: line, sent: Promise.resolve() }
    this.#waitingStatus = waiting
    waiting.sent = this.#enqueue(() => {
      this.#waitingStatus = undefined
      return systemdNotify({ status: waiting.text })
    })
    return waiting.sent
  }

  stopping(): Promise<void> {
    return this.#enqueue(() => sendVariable('STOPPING=1'))
  }

  watchdog(): Promise<void> {
    return this.#enqueue(() => sendVariable('WATCHDOG=1'))
  }

  extendTimeout(milliseconds: number): Promise<void> {
    return this.#enqueue(() => sendVariable(`EXTEND_TIMEOUT_USEC=${Math.round(milliseconds * 1000)}`))
  }

  #enqueue(send: () => Promise<unknown>): Promise<void> {
    return this.#turns
      .run(() => raceAbort(send(), AbortSignal.timeout(sendMilliseconds)))
      .then(nothing, (error: unknown) => this.#logger.warn(`systemd was not notified: ${messageOf(error)}`))
  }
}

async function sendVariable(assignment: string): Promise<void> {
  await runProgram(['systemd-notify', `--pid=${process.pid}`, assignment], {
    deadlineMilliseconds: sendMilliseconds,
    inherit: ['NOTIFY_SOCKET'],
  })
}
