import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import systemdNotify from 'systemd-notify'
import { raceAbort } from '../core/deadline.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
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

/** Longest time that one notification may take, in milliseconds. */
const deadline = 5000
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

/** Sends one notification at a time, in order; a status that waits is replaced by a newer one. */
class SystemdNotifier implements Notifier {
  readonly #logger: Logger
  #last: Promise<void> = Promise.resolve()
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
    this.#last = this.#last.then(async () => {
      try {
        await raceAbort(send(), AbortSignal.timeout(deadline))
      } catch (error) {
        this.#logger.warn(`systemd was not notified: ${messageOf(error)}`)
      }
    })
    return this.#last
  }
}

const run = promisify(execFile)

/** What the package has no option for. */
async function sendVariable(assignment: string): Promise<void> {
  await run('systemd-notify', [`--pid=${process.pid}`, assignment], { timeout: deadline })
}
