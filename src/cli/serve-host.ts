import type { LoadedConfig } from '../config/load.ts'
import { systemClock } from '../core/clock.ts'
import type { LogLevel } from '../core/logger.ts'
import { type WarningSource, Warnings } from '../core/warnings.ts'
import type { HostOptions } from '../host/host.ts'
import { createNotifier } from '../systemd/notify.ts'
import type { CliContext } from './context.ts'
import { loadConfigOf, type PlaceOptions, pathsOf } from './places.ts'
import { answerImpatience, makeAdjustableLogger } from './service.ts'
import { applianceVersion } from './version.ts'

/** What every way of running a host has in common. */
export type HostBasics = Omit<HostOptions, 'controllerOnStop' | 'companions' | 'stateGroup' | 'service'> & {
  /** Reads the configuration again. */
  readonly load: () => Promise<LoadedConfig>
  readonly setLogLevel: (level: LogLevel) => void
  /** Says what is to be said of the configuration. */
  readonly configuration: WarningSource
}

/** Runs a host as `serve` does, from the command line's configuration, and answers whoever grows impatient at its end. */
export async function serveHost(
  context: CliContext,
  options: PlaceOptions,
  serve: (basics: HostBasics) => Promise<void>,
): Promise<number> {
  const load = () => loadConfigOf(context, options)
  const loaded = await load()
  const { config } = loaded
  const { logger, setLevel } = await makeAdjustableLogger(context, config.log.level)
  const stopAnswering = answerImpatience(context, logger, () => config.controller.stopGraceSeconds)
  const warnings = new Warnings({ logger, clock: systemClock })
  const configuration = warnings.source({ name: 'configuration' })
  configuration.set(loaded.warnings)
  try {
    await serve({
      config,
      warnings,
      configuration,
      paths: pathsOf(context, options),
      logger,
      clock: systemClock,
      version: applianceVersion,
      signal: context.signal,
      notifier: createNotifier({ env: context.env, logger }),
      probeCommand: [...context.self, 'probe'],
      load,
      setLogLevel: setLevel,
    })
  } finally {
    stopAnswering()
  }
  return 0
}
