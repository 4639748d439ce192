import type { Environment } from '../config/environment.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { Pulse } from '../core/pulse.ts'
import type { Notifier } from '../systemd/notify.ts'
import { createWatchdog, watchdogTimeout } from '../systemd/watchdog.ts'

/** Where an edge tells its signs of life. @param within when the next one comes at the latest, in milliseconds */
export type Alive = (within: number) => void

/** Runs an edge under systemd's watchdog, where that has one for it. */
export async function underWatchdog(
  options: { env: Environment; signal: AbortSignal; notifier: Notifier; logger: Logger; clock: Clock },
  runEdge: (alive: Alive | undefined) => Promise<void>,
): Promise<void> {
  const { env, signal } = options
  const timeoutMilliseconds = watchdogTimeout(env, process.pid)
  if (timeoutMilliseconds === undefined) return await runEdge(undefined)
  const pulse = new Pulse(options)
  const watchdog = createWatchdog({
    ...options,
    loops: [{ name: 'the edge', dueBy: () => pulse.dueBy }],
    consequence: 'systemd will restart omada-host-edge, the controller runs on',
    timeoutMilliseconds,
  })
  await watchdog.start(signal)
  try {
    await runEdge((within) => pulse.promise(within))
  } finally {
    await watchdog.stop(AbortSignal.abort())
  }
}
