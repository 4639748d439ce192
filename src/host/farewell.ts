import type { Config } from '../config/schema.ts'
import type { Logger } from '../core/logger.ts'
import type { Paths } from '../ipc/paths.ts'
import type { Notifier } from '../systemd/notify.ts'
import { decideByOwnJob, keepStarted } from '../systemd/own-job.ts'
import { readMachineFacts } from './controller/machine.ts'
import { Reconciler, type ReconcilerOptions } from './controller/reconciler.ts'
import { RecordFile } from './controller/record.ts'
import { removeTable } from './datapath/datapath.ts'
import { nft } from './datapath/nft.ts'
import { connectEngine } from './engine/choose.ts'

/** What the engine may take beyond the grace to say that the controller has stopped, in milliseconds. */
const stopMarginMilliseconds = 30_000

/**
 * What is done at the orderly end of a host while everything still runs: systemd is told, and the controller stopped with
 * its grace, or left running, as the end is meant. Rejects when the controller could not be stopped.
 */
export async function bidFarewell(options: {
  stopGraceSeconds: number
  /** How long the rest of the host may take to stop after that. */
  componentsMilliseconds: number
  logger: Logger
  notifier: Notifier
  controllerOnStop: () => Promise<'stop' | 'leave'>
  /** Resolves with whether no container of ours runs any more. */
  stopController: (signal: AbortSignal) => Promise<boolean>
  /** Takes the fence away, which outlives this process as long as a container may run. */
  removeFence: (signal: AbortSignal) => Promise<void>
}): Promise<void> {
  const { stopGraceSeconds, logger, notifier } = options
  await notifier.stopping()
  if ((await options.controllerOnStop()) === 'leave') return
  const limitMilliseconds = stopGraceSeconds * 1000 + stopMarginMilliseconds
  await notifier.extendTimeout(limitMilliseconds + options.componentsMilliseconds)
  logger.info(`stopping the controller; it may take ${stopGraceSeconds} s to close its database`)
  const deadline = AbortSignal.timeout(limitMilliseconds)
  if (await options.stopController(deadline)) await options.removeFence(deadline)
}

/**
 * What a host leaves undone that ended before it could ask what its end is meant for: a SIGTERM in the first moments of a
 * process ends it at once. Run by systemd in its place; stops the controller with its grace if the service is stopped.
 */
export async function runAfterHost(
  options: Pick<ReconcilerOptions, 'logger' | 'clock' | 'version'> & {
    config: Config
    paths: Paths
    notifier: Notifier
    signal: AbortSignal
  },
): Promise<void> {
  const { config, clock, version, signal } = options
  const logger = options.logger.child({ component: 'host' })
  if ((await decideByOwnJob({ logger })) === 'leave') return
  const limitMilliseconds = config.controller.stopGraceSeconds * 1000 + stopMarginMilliseconds
  await options.notifier.extendTimeout(limitMilliseconds + stopMarginMilliseconds)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limitMilliseconds)])
  const stopped = await Reconciler.stopController(
    {
      config,
      live: () => config,
      logger: logger.child({ component: 'controller' }),
      clock,
      connect: async (connecting) => {
        const connected = new AbortController()
        const kept = keepStarted('podman.service', { logger, clock, signal: connected.signal })
        try {
          return await connectEngine({ config, logger, signal: connecting })
        } finally {
          connected.abort()
          await kept
        }
      },
      machine: await readMachineFacts(),
      version,
      recordFile: new RecordFile(options.paths.hostRecordFile),
    },
    deadline,
  )
  if (stopped) await removeTable({ nft, logger }, deadline)
}
