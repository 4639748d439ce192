import type { Clock } from '../../core/clock.ts'
import { ApplianceError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineContainer } from '../engine/engine.ts'

/** How many lines of a log are looked at to learn why a container died. */
const tail = 200

/** The container's last lines since its last start; none when they cannot be read. */
export async function lastLog(
  engine: Engine,
  container: EngineContainer,
  options: { logger: Logger; signal: AbortSignal; since?: Date | undefined },
): Promise<string[]> {
  const from = options.since ?? (container.startedAt === undefined ? undefined : new Date(container.startedAt))
  const since = from === undefined ? {} : { since: from }
  const lines: string[] = []
  try {
    for await (const line of engine.logs(container.id, { follow: false, tail, signal: options.signal, ...since })) {
      lines.push(line)
      if (lines.length > tail) lines.shift()
    }
  } catch (error) {
    options.signal.throwIfAborted()
    options.logger.warn(`the container's log cannot be read: ${messageOf(error)}`)
  }
  return lines
}

/**
 * The log of the container as it is now; with `follow` also what comes, over restarts, until the signal aborts.
 * @throws ApplianceError COMMAND_REFUSED when there is no container
 */
export async function* containerLog(options: {
  engine: Engine
  clock: Clock
  name: string
  follow: boolean
  tail: number
  signal: AbortSignal
}): AsyncGenerator<string> {
  const { engine, name, follow, signal } = options
  const first = await engine.container(name, signal)
  if (first === undefined && !follow) {
    throw new ApplianceError({
      code: 'COMMAND_REFUSED',
      message: `there is no container ${name}, so there is no log`,
      remedy: 'see why: omada-host status',
    })
  }
  if (first !== undefined) yield* engine.logs(first.id, { follow, tail: options.tail, signal })
  let shown = first?.startedAt
  while (follow) {
    await options.clock.sleep(1000, signal)
    const next = await engine.container(name, signal)
    if (next?.status !== 'running' || next.startedAt === undefined || next.startedAt === shown) continue
    shown = next.startedAt
    yield* engine.logs(next.id, { follow, tail: 'all', since: new Date(next.startedAt), signal })
  }
}
