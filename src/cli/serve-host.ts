import { systemClock } from '../core/clock.ts'
import { errorCodes } from '../core/error-codes.ts'
import { isAbort } from '../core/errors.ts'
import { type ServeOptions, serveAsService, serveInForeground } from '../host/serve.ts'
import { createNotifier } from '../systemd/notify.ts'
import { watchdogTimeout } from '../systemd/watchdog.ts'
import type { PlaceOptions } from './command.ts'
import type { CliContext } from './context.ts'
import { loadConfigOf, pathsOf, placeOptions } from './places.ts'
import { makeLogger, reportError } from './report.ts'
import { applianceVersion } from './version.ts'

const wrongConfiguration = errorCodes.CONFIG_INVALID.exit
/** As a shell tells of a process that SIGTERM ended. */
const endedBySignal = 143

/**
 * The host as a service. Resolves with an exit code that omada-host.service knows: 0 ended in order; 143 ended before it
 * could ask whether the controller is to be stopped; 78 wrong configuration, which is not tried again; 1 for every other
 * failure.
 */
export async function runService(context: CliContext, options: PlaceOptions): Promise<number> {
  const { env, signal, stderr } = context
  const notified = env.NOTIFY_SOCKET !== undefined
  let inOrder = false
  const asked = () => {
    inOrder = true
  }
  const service = { watchdogMilliseconds: watchdogTimeout(env, process.pid) }
  const served = serving(context, options, (common) =>
    serveAsService({ ...common, asked, ...(notified ? { service } : {}) }),
  )
  if (!notified) return await served
  try {
    await served
  } catch (error) {
    if (!signal.aborted || !isAbort(error)) {
      return reportError(error, stderr) === wrongConfiguration ? wrongConfiguration : 1
    }
  }
  return inOrder ? 0 : endedBySignal
}

/** The host with its edge, until it is told to end. */
export async function runForeground(context: CliContext, options: PlaceOptions): Promise<number> {
  const edge = [...context.self, 'edge', ...placeOptions(context, options)]
  return await serving(context, options, (common) =>
    serveInForeground({ ...common, edgeCommand: ({ uid, gid }) => [...edge, '--user', `${uid}:${gid}`] }),
  )
}

/** What a host left undone that ended out of order. */
export async function runAfter(context: CliContext, options: PlaceOptions): Promise<number> {
  const { runAfterHost } = await import('../host/farewell.ts')
  const { config } = await loadConfigOf(context, options)
  const { logger } = await makeLogger(context, config.log.level)
  await runAfterHost({
    config,
    paths: pathsOf(context, options),
    logger,
    clock: systemClock,
    version: applianceVersion,
    notifier: createNotifier({ env: context.env, logger }),
    signal: context.signal,
  })
  return 0
}

/** Runs a host from the command line's configuration. */
async function serving(
  context: CliContext,
  options: PlaceOptions,
  serve: (common: ServeOptions) => Promise<void>,
): Promise<number> {
  const loaded = await loadConfigOf(context, options)
  // What it started with is what a reload is compared with, although the routes may be others by then.
  const load = () => loadConfigOf(context, options, loaded.defaults)
  const { logger, setLevel } = await makeLogger(context, loaded.config.log.level)
  await serve({
    loaded,
    load,
    paths: pathsOf(context, options),
    logger,
    setLogLevel: setLevel,
    clock: systemClock,
    version: applianceVersion,
    signal: context.signal,
    askedAgain: context.askedAgain,
    notifier: createNotifier({ env: context.env, logger }),
    probeCommand: [...context.self, 'probe'],
  })
  return 0
}
