import { Backoff } from '../../core/backoff.ts'
import type { Clock } from '../../core/clock.ts'
import { ApplianceError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineContainer, EngineKind } from '../engine/engine.ts'
import type { LookedAfter } from './lingering.ts'

const uncertain = new Set(['ENGINE_UNREACHABLE', 'ENGINE_TIMEOUT'])

/** What the kernel, by the engine and its runtime, says of a signal that a security module holds back (kill(2)). */
const undelivered = /permission denied|operation not permitted/i

interface StopOptions {
  readonly engine: Engine
  readonly clock: Clock
  readonly logger: Logger
  readonly id: string
  readonly name: string
  readonly graceSeconds: number
  readonly signal: AbortSignal
  /** Whether a process of this id runs. */
  readonly processRuns: (pid: number) => boolean
  /** Whose commands are named in remedies. */
  readonly kind: EngineKind
  /** Called whenever it is not known how the stop went. */
  readonly onRetry: () => void
  /**
   * Looks after the container while it stops, until the signal aborts, and may end it when it has nothing to lose any more.
   * Resolves when it is ready to; does not reject.
   */
  readonly linger?: ((container: EngineContainer, signal: AbortSignal) => Promise<LookedAfter>) | undefined
}

/** How a stop ended. */
export interface Stopped {
  /** The container as it is now; undefined where it is not there any more. */
  readonly container: EngineContainer | undefined
  /** It was ended before its grace was over, as it lingered. */
  readonly lingered: boolean
}

/**
 * Stops a container with its full grace and resolves when it has ended. When the engine goes away meanwhile, looks again
 * and asks again with the full grace once more, rather than kill: a database that is cut off is a database that is
 * corrupt. A paused container is resumed first: Podman refuses to stop it, and a frozen database cannot end in order.
 * Goes on until the container has ended or the signal aborts, which leaves a stop that was asked for under way.
 * @throws ApplianceError CONTROLLER_NOT_STOPPED where the engine cannot deliver its signal, or only says that it did;
 *   what else the engine refuses with
 */
export async function stopWithGrace(options: StopOptions): Promise<Stopped> {
  const { engine, clock, logger, signal } = options
  const backoff = new Backoff({ initialMilliseconds: 500, maxMilliseconds: 10_000 })
  let lingered = false
  for (;;) {
    try {
      const container = await look(options)
      if (container?.status === 'paused') await engine.unpause(options.id, signal)
      const watch = new AbortController()
      const lingering = container && (await options.linger?.(container, AbortSignal.any([signal, watch.signal])))
      try {
        await engine.stop(options.id, options.graceSeconds, signal)
      } finally {
        watch.abort()
        if ((await lingering?.wasEnded) === true) lingered = true
      }
      const ended = await look(options)
      if (ended === undefined || hasEnded(ended, options)) return { container: ended, lingered }
      if (ended.status !== 'transient') throw notStopped(options, ended, 'the engine says that it stopped it')
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ApplianceError && error.code === 'CONTROLLER_NOT_STOPPED') throw error
      const seen = await lookAgain(options)
      if (seen !== 'unknown' && (seen === undefined || hasEnded(seen, options))) return { container: seen, lingered }
      if (!(error instanceof ApplianceError)) throw error
      if (!uncertain.has(error.code)) throw whyNot(error, seen, options)
      logger.warn({ code: error.code }, `${error.message}; looking again`)
    }
    options.onRetry()
    await clock.sleep(backoff.next(), signal)
  }
}

/** The container that is being stopped; undefined when it is gone, or another has its name. */
async function look({ engine, id, name, signal }: StopOptions): Promise<EngineContainer | undefined> {
  const container = await engine.container(name, signal)
  return container?.id === id ? container : undefined
}

async function lookAgain(options: StopOptions): Promise<EngineContainer | undefined | 'unknown'> {
  try {
    return await look(options)
  } catch {
    options.signal.throwIfAborted()
    return 'unknown'
  }
}

function hasEnded(container: EngineContainer, options: StopOptions): boolean {
  return container.status === 'exited' && !livesOn(container, options)
}

/** Some refusals say nothing of a signal, such as that the container did not end in time. */
function whyNot(
  error: ApplianceError,
  container: EngineContainer | undefined | 'unknown',
  options: StopOptions,
): ApplianceError {
  const known = container === 'unknown' ? undefined : container
  const left = known !== undefined && livesOn(known, options)
  return left || undelivered.test(error.message) ? notStopped(options, known, error.message) : error
}

/**
 * Whether a container that the engine calls ended has not: Podman 4.3 was seen to call one so, with the exit code -1 and the
 * process as before, when its signal was refused.
 */
export function livesOn({ status, pid }: EngineContainer, { processRuns }: Pick<StopOptions, 'processRuns'>): boolean {
  return status === 'exited' && pid !== undefined && processRuns(pid)
}

/** What is said of a container that no signal of the engine's ends. `why`: in the engine's words. */
export function notStopped(
  { kind }: Pick<StopOptions, 'kind'>,
  container: Pick<EngineContainer, 'pid'> | undefined,
  why: string,
): ApplianceError {
  const pid = container?.pid
  return new ApplianceError({
    code: 'CONTROLLER_NOT_STOPPED',
    message: `the controller was not stopped and runs on${pid === undefined ? '' : ` as process ${pid}`}: ${why}`,
    remedy: `${pid === undefined ? '' : `end it in order, and wait until it has ended: kill -TERM ${pid}. `}See what holds the engine's signal back: journalctl -k | grep -i apparmor. ${
      kind === 'docker'
        ? 'Often it is a stale profile: aa-remove-unknown'
        : 'On Ubuntu an update of podman and golang-github-containers-common mends it'
    }`,
  })
}
