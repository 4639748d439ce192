import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Notifier } from '../systemd/notify.ts'
import { decideByOwnJob } from '../systemd/own-job.ts'
import { readMachineFacts } from './controller/machine.ts'
import { Reconciler } from './controller/reconciler.ts'
import { connectEngine } from './engine/choose.ts'
import { stopMargin } from './host.ts'

/**
 * What a host leaves undone that ended before it could ask what its end is meant for: a SIGTERM in the first moments of a
 * process ends it at once. Run by systemd in its place; stops the controller with its grace if the service is stopped.
 */
export async function runAfterHost(options: {
  config: Config
  logger: Logger
  clock: Clock
  version: string
  notifier: Notifier
  signal: AbortSignal
}): Promise<void> {
  const { config, clock, signal } = options
  const logger = options.logger.child({ component: 'host' })
  if ((await decideByOwnJob({ logger })) === 'leave') return
  const milliseconds = config.controller.stopGraceSeconds * 1000 + stopMargin
  await options.notifier.extendTimeout(milliseconds + stopMargin)
  await Reconciler.stopController(
    {
      config,
      live: () => config,
      logger: logger.child({ component: 'controller' }),
      clock,
      connect: (connecting) => connectEngine({ config, logger, signal: connecting }),
      machine: await readMachineFacts(),
      version: options.version,
    },
    AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]),
  )
}
