import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { runProgram } from '../core/run-program.ts'

/** Longest time that systemd may take to answer. */
const answerMilliseconds = 5000

/** The service that a process belongs to, from the text of its /proc/PID/cgroup (cgroups(7)); undefined when in none. */
export function serviceOf(cgroups: string): string | undefined {
  for (const line of cgroups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers !== '' && controllers !== 'name=systemd') continue
    const service = path?.split('/').at(-1)
    if (service?.endsWith('.service') === true) return service
  }
  return undefined
}

/**
 * What a SIGTERM means for the controller. Only systemd knows whether it is a stop, a shutdown or the first half of a
 * restart: the job that it has queued for our own service (systemctl(1), org.freedesktop.systemd1(5)). A restart leaves
 * the controller running, and so does whatever is not known for sure, because a controller that runs on harms nobody.
 */
export async function decideByOwnJob(options: {
  logger: Logger
  /** The text of /proc/self/cgroup. */
  readCgroups?: () => Promise<string>
}): Promise<'stop' | 'leave'> {
  const { logger } = options
  try {
    const cgroups = await (options.readCgroups ?? (() => readFile('/proc/self/cgroup', 'utf8')))()
    const service = serviceOf(cgroups)
    if (service === undefined) return 'leave'
    const job = await show('Job', service)
    // systemd before 254 says 0 where there is none.
    const type = job === '' || job === '0' ? 'none' : await show('JobType', job)
    logger.info(
      { service, job: type },
      type === 'stop' ? 'this service is being stopped' : 'this service is not being stopped; the controller runs on',
    )
    return type === 'stop' ? 'stop' : 'leave'
  } catch (error) {
    logger.warn(`systemd did not say why this service ends, so the controller runs on: ${messageOf(error)}`)
    return 'leave'
  }
}

/**
 * Has a unit run until `signal` aborts, past the order of systemd's queue. While a service is being stopped, systemd starts
 * nothing that the service is ordered after (systemd.unit(5)): podman.service, which ends by itself when it is idle, would be
 * started by its socket only when our stop is over, and the stop waits for its answer. It is started every second, because one
 * that is about to end counts as started. A unit that cannot be started, as where Docker is the engine, is no error.
 */
export async function keepStarted(
  unit: string,
  options: { logger: Logger; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { logger, clock, signal } = options
  const argv = ['systemctl', 'start', '--job-mode=ignore-dependencies', '--', unit] as const
  while (!signal.aborted) {
    await runProgram(argv, { deadlineMilliseconds: answerMilliseconds }).catch((error: unknown) =>
      logger.debug(`${unit} cannot be started: ${messageOf(error)}`),
    )
    await clock.sleep(1000, signal).catch(() => {})
  }
}

/** One property of a unit, or of a job by its number. */
async function show(property: string, subject: string): Promise<string> {
  const argv = ['systemctl', 'show', `--property=${property}`, '--value', '--', subject] as const
  return (await runProgram(argv, { deadlineMilliseconds: answerMilliseconds })).toString('utf8').trim()
}
