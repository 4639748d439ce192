import { isDeepStrictEqual } from 'node:util'
import { usableCertificate } from '../config/certificate.ts'
import type { LoadedConfig } from '../config/load.ts'
import { Emitter } from '../core/emitter.ts'
import type { LogLevel } from '../core/logger.ts'
import type { WarningSource } from '../core/warnings.ts'
import { edgePart, HandoverFile } from '../ipc/handover.ts'
import { decideByOwnJob } from '../systemd/own-job.ts'
import type { HostOptions } from './host.ts'
import { reloadConfig } from './reload.ts'

export interface HostServiceOptions extends Omit<HostOptions, 'controllerOnStop' | 'companions' | 'service'> {
  /** Asks for the configuration to be read again. */
  readonly reloads: Emitter<void>
  readonly load: () => Promise<LoadedConfig>
  readonly setLogLevel: (level: LogLevel) => void
  /** Says what is to be said of the configuration. */
  readonly configuration: WarningSource
  /** How long systemd waits for a sign of life, in milliseconds; undefined when it does not, or is not there. */
  readonly watchdogMilliseconds: number | undefined
  /** Called once it is known what the end of this process means for the controller. */
  readonly asked: () => void
  /** Whether systemd started this process and waits for it to be ready. */
  readonly notified: boolean
}

/**
 * The host as a service, the edge being another one: hands the edge its configuration, takes over a changed one while
 * running, and stops the controller only when systemd is about to stop the service and not to restart it.
 */
export async function runHostService(options: HostServiceOptions): Promise<void> {
  const { config, logger, clock, reloads, configuration } = options
  const part = async (next: HostOptions['config']) => edgePart(next, await usableCertificate(next, logger))
  const path = options.paths.handoverFile
  const handover = new HandoverFile({ path, part: await part(config), logger, clock })
  const reloaded = new Emitter<void>()
  let reload = Promise.resolve()
  const stopListening = reloads.on(() => {
    // One after the other: the last file that was read is the one in force.
    reload = reload.then(async () => {
      await reloadConfig({
        running: config,
        load: options.load,
        handOver: async (next) => {
          const { certificate: former } = handover.part
          const newer = await part(next)
          await handover.publish(newer)
          return { renewed: newer.certificate !== undefined && !isDeepStrictEqual(newer.certificate, former) }
        },
        setLogLevel: options.setLogLevel,
        configuration,
        logger,
      })
      reloaded.emit()
    })
  })
  const ending = async () => {
    stopListening()
    await reload
    await handover.stop()
  }
  try {
    // First of all: the edge serves from then on, and the rest of the host takes longer to load than the edge to start.
    await handover.start(options.signal)
    const { runHost } = await import('./host.ts')
    await runHost({
      ...options,
      controllerOnStop: async () => {
        const decision = await decideByOwnJob({ logger })
        options.asked()
        return decision
      },
      ...(options.notified
        ? { service: { watchdogMilliseconds: options.watchdogMilliseconds, reloaded, ending } }
        : {}),
    })
  } finally {
    await ending()
  }
}
