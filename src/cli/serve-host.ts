import { systemClock } from '../core/clock.ts'
import type { HostOptions } from '../host.ts'
import { createNotifier } from '../systemd/notify.ts'
import { applianceVersion } from './appliance-version.ts'
import type { CliContext } from './context.ts'
import { loadConfigOf } from './load.ts'
import { type PlaceOptions, pathsOf } from './places.ts'
import { answerImpatience, makeLogger } from './service.ts'

/** What every way of running a host has in common. */
export type HostBasics = Omit<HostOptions, 'controllerOnStop' | 'companions' | 'stateGroup'>

/** Runs a host as `serve` does, from the command line's configuration, and answers whoever grows impatient at its end. */
export async function serveHost(
  context: CliContext,
  options: PlaceOptions,
  serve: (basics: HostBasics) => Promise<void>,
): Promise<number> {
  const { config, warnings } = await loadConfigOf(context, options)
  const logger = await makeLogger(context, config.log.level)
  const stopAnswering = answerImpatience(context, logger, config.controller.stopGraceSeconds)
  try {
    await serve({
      config,
      warnings,
      paths: pathsOf(context, options),
      logger,
      clock: systemClock,
      version: applianceVersion,
      signal: context.signal,
      notifier: createNotifier({ env: context.env, logger }),
      probeCommand: [...context.self, 'probe'],
    })
  } finally {
    stopAnswering()
  }
  return 0
}
