import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { type EdgePart, readHandover } from '../ipc/handover.ts'
import type { Notifier } from '../systemd/notify.ts'

/** How often an edge that was started before its host looks for what that hands over, in milliseconds. */
const lookEvery = 100

/**
 * The edge as a service of its own: it takes its configuration from the file that the host hands over, and waits for it.
 * @throws ApplianceError CONFIG_UNREADABLE; the signal's reason
 */
export async function awaitHandover(options: {
  path: string
  logger: Logger
  clock: Clock
  notifier: Notifier
  signal: AbortSignal
}): Promise<EdgePart> {
  const { path, logger, clock, notifier, signal } = options
  let waiting = false
  for (;;) {
    const part = await readHandover(path)
    if (part !== undefined) return part
    if (!waiting) {
      waiting = true
      logger.info({ path }, 'waiting for omada-host to hand over the configuration')
      void notifier.status('Waiting for omada-host to hand over the configuration')
    }
    await clock.sleep(lookEvery, signal)
  }
}
