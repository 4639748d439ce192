import { adoptConfig } from '../config/adopt.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { ApplianceErrors, type Fault, toFault } from '../core/errors.ts'
import type { Logger, LogLevel } from '../core/logger.ts'
import type { WarningSource } from '../core/warnings.ts'
import { needsRestart } from '../ipc/pending-restart.ts'

/** What the host itself goes by; the edge sees to the rest when it is handed over. */
const hostSections = ['controller', 'engine', 'network', 'proxy', 'health', 'mongo', 'images', 'log'] as const

export interface ReloadOptions {
  /** The configuration that every component holds; what may change at run time is changed in place. */
  readonly running: Config
  readonly load: () => Promise<LoadedConfig>
  /** Hands the edge's part over. `renewed`: the certificate in it is another one. */
  readonly handOver: (next: Config) => Promise<{ renewed: boolean }>
  readonly setLogLevel: (level: LogLevel) => void
  /** Says what is to be said of the configuration. */
  readonly configuration: WarningSource
  readonly logger: Logger
}

/**
 * Reads the configuration again and takes over what may change without a restart; the container is not touched. What
 * needs a restart stays a warning. A wrong configuration changes nothing: all its faults are
 * logged. Never rejects.
 */
export async function reloadConfig(options: ReloadOptions): Promise<void> {
  const { running, logger } = options
  const loaded = await options.load().catch((error: unknown) => {
    const count = tell(logger, error)
    logger.error(`the configuration was not taken over, because it has ${count} fault(s); the old one stays in force`)
    return undefined
  })
  if (loaded === undefined) return
  const { config: next, warnings } = loaded
  const { applied, pending } = adoptConfig(running, next, hostSections)
  options.setLogLevel(running.log.level)
  const waiting = pending.length === 0 ? [] : [needsRestart(pending, 'omada-host')]
  options.configuration.set([...warnings, ...waiting])
  logger.info(
    `the configuration was read again; taken over: ${applied.length === 0 ? 'nothing new' : applied.join(', ')}`,
  )
  try {
    const { renewed } = await options.handOver(next)
    if (!renewed) return
    logger.info(
      'the waiting room was given the new certificate; the controller takes it when it starts next: omada-host restart',
    )
  } catch (error) {
    tell(logger, error)
    logger.error('the configuration was not handed over to the edge, which goes on with the old one')
  }
}

/** Logs every fault in `error`, and returns how many. */
function tell(logger: Logger, error: unknown): number {
  const faults: readonly Fault[] = error instanceof ApplianceErrors ? error.faults : [toFault(error)]
  for (const { code, message, remedy } of faults) logger.error({ code, remedy }, message)
  return faults.length
}
